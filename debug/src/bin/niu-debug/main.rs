//! `niu-debug`: a simulated cluster with a debugger's way into one node's service processor.
#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use arguments::{DebugArguments, LogArguments};
use clap::{Parser, Subcommand};
use firmware_log::{Table, frames};
use probe_rs::Session;
use probe_rs::rtt::Rtt;
use sim::cluster::{ClusterOptions, Pace, debug_port};
use sim::profile::Profile;
use std::net::TcpListener;
use std::sync::Arc;
use wayfarer_cluster::launch::{firmware_path, read_firmware};
use wayfarer_debug::traffic::{Outcome, Stop, Traffic, run};
use wayfarer_debug::{Image, attach, description, elf_path, gdb};

/// Looks into the service processor of a simulated NIU.
#[derive(Parser)]
#[command(name = "niu-debug")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve GDB
    Debug(DebugArguments),
    /// Print what the firmware logs
    Log(LogArguments),
}

fn main() -> Result<()> {
    match CommandLine::parse().command {
        Command::Debug(arguments) => debug(&arguments),
        Command::Log(arguments) => log(&arguments),
    }
}

/// Runs a cluster with traffic to `node` while `debugger` looks into it.
fn with_cluster(
    nodes: u16,
    node: u16,
    pace: Pace,
    debugger: impl FnOnce(Session) -> Result<()> + Send,
) -> Result<Vec<Outcome>> {
    let (pins, port) = debug_port(pace);
    let traffic = Arc::new(Traffic::default());
    let options = ClusterOptions {
        nodes,
        maximum_cycles: u64::MAX,
        ..ClusterOptions::new(Profile::named("bare")?, read_firmware(&firmware_path())?)
    };
    std::thread::scope(|scope| {
        let stop = Stop(Arc::clone(&traffic));
        let thread = scope.spawn(move || {
            stop.0.await_first(&pins)?;
            debugger(attach(pins)?)
        });
        let outcomes = run(options, node, port, &traffic);
        thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(outcomes?)
    })
}

fn debug(arguments: &DebugArguments) -> Result<()> {
    if arguments.chip_description {
        print!("{}", description());
        return Ok(());
    }
    let node = arguments.sim;
    anyhow::ensure!(node < arguments.nodes, "there is no node {node}");
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))
        .with_context(|| format!("port {} cannot be opened", arguments.port))?;
    let port = listener.local_addr()?.port();
    let outcomes = with_cluster(arguments.nodes, node, Pace::Runs, |mut session| {
        println!("The other nodes send to node {node}, whose firmware runs. Attach with");
        println!(
            "  gdb-multiarch {} -ex 'target remote localhost:{port}'",
            elf_path().display()
        );
        println!("The cluster ends when GDB leaves (detach or quit).");
        let (stream, _) = listener.accept()?;
        Ok(gdb::serve(stream, &mut session)?)
    })?;
    let received = &outcomes[usize::from(node)];
    println!(
        "{} messages arrived meanwhile, {} out of order",
        received.messages, received.lost
    );
    Ok(())
}

fn log(arguments: &LogArguments) -> Result<()> {
    let node = arguments.sim;
    anyhow::ensure!(node < 2, "there is no node {node}");
    let image = Image::open()?;
    let table = Table::read(image.bytes())?;
    let show = |bytes: &[u8]| {
        for record in frames(&table, bytes).0 {
            println!("{record}");
        }
    };
    let mut over_rtt = Vec::new();
    let outcomes = with_cluster(2, node, Pace::Waits, |mut session| {
        if arguments.rtt {
            let (address, _) = image.symbol("_SEGGER_RTT")?;
            let mut core = session.core(0)?;
            let mut rtt = Rtt::attach_at(&mut core, address)?;
            let mut buffer = [0; 1024];
            let length = rtt.up_channels()[0].read(&mut core, &mut buffer)?;
            over_rtt.extend(&buffer[..length]);
            if core.core_halted()? {
                core.run()?;
            }
        }
        Ok(())
    })?;
    if arguments.rtt {
        show(&over_rtt);
    } else {
        show(&outcomes[usize::from(node)].log);
    }
    Ok(())
}
