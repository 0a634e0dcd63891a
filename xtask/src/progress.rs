//! Steps that take a while: their progress is shown, their output kept for the case that they fail.
//!
//! On a terminal a spinner shows the last line of output. Elsewhere (a CI log) a step says so when it begins to take
//! long, and then twice a minute. A step that had nothing to do prints nothing.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// A step shorter than this is not worth a line.
const WORTH_A_LINE: Duration = Duration::from_secs(1);
/// How often a long step reports where there is no terminal.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);
/// How much of a failed step's output is repeated.
const FAILURE_LINES: usize = 200;

/// Runs `command` as one step called `title` and returns its output (standard output and error, as they came).
///
/// # Errors
/// When the program cannot be started, or fails: its last lines of output are printed before.
pub fn run_step(title: &str, command: &mut Command) -> Result<String> {
    let (status, output, display) = watch(title, command)?;
    display.finish(status.success());
    if !status.success() {
        let program = command.get_program().to_string_lossy();
        let all: Vec<&str> = output.lines().filter(|line| !is_message(line)).collect();
        for line in &all[all.len().saturating_sub(FAILURE_LINES)..] {
            eprintln!("{line}");
        }
        bail!("{title}: {program} ended with {status}; its output stands above");
    }
    Ok(output)
}

/// Runs `command` as a step that may fail without that being an error, and returns its output.
///
/// # Errors
/// When the program cannot be started.
pub fn run_step_that_may_fail(title: &str, command: &mut Command) -> Result<String> {
    let (_, output, display) = watch(title, command)?;
    display.spinner.finish_and_clear();
    Ok(output)
}

/// Runs `command` to its end and shows how it goes on.
fn watch<'a>(title: &'a str, command: &mut Command) -> Result<(ExitStatus, String, Display<'a>)> {
    let started = Instant::now();
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{title}: {program} cannot be started"))?;

    let (sender, lines) = channel();
    let readers = [
        child
            .stdout
            .take()
            .map(|pipe| forward(pipe, sender.clone())),
        child.stderr.take().map(|pipe| forward(pipe, sender)),
    ];

    let mut display = Display::new(title, started);
    let mut output = String::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                display.line(&line);
                output.push_str(&line);
                output.push('\n');
            }
            Err(RecvTimeoutError::Timeout) => display.tick(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    for reader in readers.into_iter().flatten() {
        // A reader only ends when its pipe is closed; it has nothing to report.
        let _ = reader.join();
    }
    let status = child
        .wait()
        .with_context(|| format!("{title}: waiting for {program} failed"))?;
    Ok((status, output, display))
}

/// Runs `command` with this program's own terminal, for output that is the purpose of the run (tests, the bench).
///
/// # Errors
/// When the program cannot be started, or fails.
pub fn run_attached(title: &str, command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("{title}: {program} cannot be started"))?;
    if !status.success() {
        bail!("{title}: {program} ended with {status}; its output stands above");
    }
    Ok(())
}

/// Asks a question by running `command` unseen: whether it can be started and succeeds.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Sends each line that arrives on `pipe`.
fn forward(pipe: impl Read + Send + 'static, sender: Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while pipe
            .read_until(b'\n', &mut bytes)
            .is_ok_and(|length| length > 0)
        {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if sender.send(line).is_err() {
                break;
            }
        }
    })
}

/// Whether a line of output is a JSON message for programs, not for people.
fn is_message(line: &str) -> bool {
    line.starts_with('{')
}

/// What the user sees of a running step.
struct Display<'a> {
    title: &'a str,
    started: Instant,
    spinner: ProgressBar,
    last_line: String,
    next_report: Duration,
}

impl<'a> Display<'a> {
    fn new(title: &'a str, started: Instant) -> Self {
        let spinner = ProgressBar::new_spinner().with_prefix(title.to_owned());
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}")
        {
            spinner.set_style(style);
        }
        Self {
            title,
            started,
            spinner,
            last_line: String::new(),
            next_report: WORTH_A_LINE,
        }
    }

    fn line(&mut self, line: &str) {
        if !line.is_empty() && !is_message(line) {
            self.last_line = line.to_owned();
            self.spinner.set_message(line.to_owned());
        }
        self.tick();
    }

    fn tick(&mut self) {
        self.spinner.tick();
        let elapsed = self.started.elapsed();
        if self.spinner.is_hidden() && elapsed >= self.next_report {
            if self.next_report == WORTH_A_LINE {
                eprintln!("{} ...", self.title);
            } else {
                eprintln!(
                    "{} ... {} s: {}",
                    self.title,
                    elapsed.as_secs(),
                    self.last_line
                );
            }
            self.next_report = elapsed + REPORT_INTERVAL;
        }
    }

    fn finish(&self, success: bool) {
        self.spinner.finish_and_clear();
        let elapsed = self.started.elapsed();
        if !success {
            eprintln!(
                "{}: failed after {:.1} s",
                self.title,
                elapsed.as_secs_f64()
            );
        } else if elapsed >= WORTH_A_LINE {
            eprintln!("{}: {:.1} s", self.title, elapsed.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_of_both_streams_is_returned() {
        let output = run_step("step", &mut shell("echo out; echo err >&2")).unwrap();
        let mut lines: Vec<&str> = output.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["err", "out"]);
    }

    #[test]
    fn failure_names_step_program_and_status() {
        let error = run_step("weighing", &mut shell("exit 7"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("weighing") && error.contains("sh") && error.contains('7'),
            "{error}"
        );
    }

    #[test]
    fn a_step_that_may_fail_returns_what_it_said() {
        let said = run_step_that_may_fail("step", &mut shell("echo so far; exit 7"));
        assert_eq!(said.unwrap(), "so far\n");
    }

    #[test]
    fn missing_program_is_named() {
        let error = run_step("weighing", &mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-program-here cannot be started"));
    }
}
