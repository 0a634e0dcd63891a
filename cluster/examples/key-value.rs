//! A cache of keys and values that clients read by remote READ: the server's program has no part in a look-up (S4, U1,
//! U9). The guide is `docs/key-value.md`.
//!
//! `cargo xtask firmware`, then `cargo run --release --package wayfarer-cluster --example key-value`.

use anyhow::Result;
use host_driver::{
    Access, Buffer, Destination, Endpoint, EndpointOptions, Error, Export, Import, ReceiveQueueId,
    Rights, SegmentHandle, VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::host::HostPort;
use sim::profile::Profile;
use std::time::Duration;
use wayfarer_cluster::launch::{Node, firmware_path, launch, read_firmware};

/// Base-2 logarithm of the buckets.
const BUCKETS_LOG2: u32 = 10;
/// A bucket: version, key, value, version again. One read brings all of it.
const BUCKET_BYTES: usize = 64;
/// What a bucket has room for.
const VALUE_BYTES: usize = 40;
/// Where the parts of a bucket stand.
const KEY: usize = 8;
const VALUE: usize = 16;
const VERSION_AGAIN: usize = BUCKET_BYTES - 8;

/// Destinations of a client: the server's receive queue, and its table.
const SERVER: Destination = Destination(0);
const TABLE: Destination = Destination(1);
/// Keys of the demonstration, and look-ups of each kind that are timed.
const KEYS: u64 = 200;
const GETS: u64 = 100;
/// Ends the server.
const GOODBYE: u64 = u64::MAX;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_millis(5);

/// What is kept of a key.
type Value = [u8; VALUE_BYTES];

/// Bucket of a key; another key with the same bucket takes its place: this is a cache.
fn bucket(key: u64) -> usize {
    let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - BUCKETS_LOG2)) as usize * BUCKET_BYTES
}

fn word(bytes: &[u8], place: usize) -> u64 {
    let word = bytes[place..place + 8].try_into();
    u64::from_le_bytes(word.expect("eight bytes"))
}

/// The server's table, in memory that clients read at any time.
struct Table {
    memory: Export,
}

impl Table {
    fn new(endpoint: &Endpoint) -> Result<Self, Error> {
        let bytes = (BUCKET_BYTES << BUCKETS_LOG2) as u64;
        let memory = endpoint.export(bytes, Rights::READ, Access::ANY)?;
        Ok(Table { memory })
    }

    /// Readers see that a bucket is being changed: its version is odd, or its two versions differ.
    fn put(&mut self, key: u64, value: &Value) {
        let place = bucket(key);
        let version = self.memory.load64(place);
        let mut store = |offset: usize, bytes: &[u8]| self.memory.store(place + offset, bytes);
        store(0, &(version + 1).to_le_bytes());
        store(KEY, &key.to_le_bytes());
        store(VALUE, value);
        store(VERSION_AGAIN, &(version + 2).to_le_bytes());
        store(0, &(version + 2).to_le_bytes());
    }

    fn get(&self, key: u64) -> Option<Value> {
        let mut bytes = [0; BUCKET_BYTES];
        self.memory.load(bucket(key), &mut bytes);
        value_of(key, &bytes)?
    }
}

/// What a bucket says of a key: `None` if it was read while it was changed.
fn value_of(key: u64, bytes: &[u8; BUCKET_BYTES]) -> Option<Option<Value>> {
    let version = word(bytes, 0);
    let is_whole = version.is_multiple_of(2) && version == word(bytes, VERSION_AGAIN);
    let is_there = version != 0 && word(bytes, KEY) == key;
    let value = bytes[VALUE..VALUE + VALUE_BYTES].first_chunk().copied();
    is_whole.then_some(value.filter(|_| is_there))
}

/// A client's way to the table.
struct Client {
    table: Import,
    buffer: Buffer,
}

impl Client {
    fn new(endpoint: &Endpoint, table: &SegmentHandle) -> Result<Self, Error> {
        Ok(Client {
            table: endpoint.import(TABLE, table, VirtualChannel::ZERO)?,
            buffer: endpoint.register(BUCKET_BYTES as u64)?,
        })
    }

    /// Looks a key up without the server's program: one read, and another one if the bucket was just being changed.
    fn get(&self, endpoint: &mut Endpoint, key: u64) -> Result<Option<Value>, Error> {
        let (queue, _) = endpoint.split();
        loop {
            let (offset, bytes) = (bucket(key) as u32, BUCKET_BYTES as u32);
            let read = queue.read(&self.table, offset, &self.buffer, 0, bytes)?;
            queue.wait_done(&read, PATIENCE)?;
            let mut bytes = [0; BUCKET_BYTES];
            self.buffer.load(0, &mut bytes);
            if let Some(found) = value_of(key, &bytes) {
                return Ok(found);
            }
        }
    }
}

/// Asks the server's program for the value.
fn ask(endpoint: &mut Endpoint, key: u64) -> Result<Option<Value>, Error> {
    endpoint.send_express(SERVER, 0, key.to_le_bytes())?;
    let answer = endpoint.receive_wait(PATIENCE)?.into_message();
    Ok(answer.payload.first_chunk().copied())
}

/// The value that the demonstration gives a key.
fn value(key: u64) -> Value {
    std::array::from_fn(|place| (key as u8).wrapping_mul(7).wrapping_add(place as u8))
}

fn endpoint(node: &Node) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(7),
        destinations_log2: 1,
        ..EndpointOptions::default()
    };
    Ok(node.endpoint(options, &[node.peer()])?)
}

/// Mean times of a look-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// By a remote read.
    pub read_ns: f64,
    /// By a message to the server's program and its answer.
    pub asked_ns: f64,
}

/// Fills the table and answers those who ask, until a client says goodbye.
fn serve(node: &Node) -> Result<Times, Error> {
    let mut endpoint = endpoint(node)?;
    let mut table = Table::new(&endpoint)?;
    for key in 0..KEYS {
        table.put(key, &value(key));
    }
    node.port.gather(&table.memory.handle().to_bytes());
    loop {
        let question = endpoint.receive_wait(PATIENCE)?.into_message();
        let key = u64::from_le_bytes(question.payload.first_chunk().copied().unwrap_or_default());
        if key == GOODBYE {
            break;
        }
        let answer = table.get(key);
        let bytes = answer.as_ref().map_or(&[][..], |value| &value[..]);
        endpoint.when_room(PATIENCE, |endpoint| endpoint.send_basic(SERVER, 0, bytes))?;
    }
    endpoint.flush(PATIENCE)?;
    Ok(Times::default())
}

/// Looks keys up in both ways.
fn look_up(node: &Node) -> Result<Times, Error> {
    let mut endpoint = endpoint(node)?;
    let all = node.port.gather(&[]);
    let handle = all[usize::from(node.peer())][..].try_into().ok();
    let handle = handle.and_then(SegmentHandle::from_bytes);
    let client = Client::new(&endpoint, &handle.expect("the server's handle"))?;
    let mut means = [0.0; 2];
    for (way, mean_ns) in means.iter_mut().enumerate() {
        let start_ns = node.port.now_ns();
        for number in 0..GETS {
            // Every fourth key has no value, or the place of another one's.
            let key = number * 7 % (KEYS + KEYS / 3);
            let found = match way {
                0 => client.get(&mut endpoint, key)?,
                _ => ask(&mut endpoint, key)?,
            };
            // A key may have lost its place to another one.
            assert!(
                found.is_none_or(|found| key < KEYS && found == value(key)),
                "{key}"
            );
        }
        *mean_ns = (node.port.now_ns() - start_ns) / GETS as f64;
    }
    endpoint.send_express(SERVER, 0, GOODBYE.to_le_bytes())?;
    endpoint.flush(PATIENCE)?;
    let [read_ns, asked_ns] = means;
    Ok(Times { read_ns, asked_ns })
}

/// The whole demonstration on these hosts: what the client measured.
pub fn run(options: ClusterOptions) -> Result<Times> {
    let program =
        |body: fn(&Node) -> Result<Times, Error>| move |port: HostPort| body(&Node::open(port)?);
    let programs = launch(
        options,
        vec![Box::new(program(serve)), Box::new(program(look_up))],
    );
    let (times, _) = programs.into_results()?;
    Ok(times[1])
}

fn main() -> Result<()> {
    let firmware = read_firmware(&firmware_path())?;
    let profile = Profile::named("pcie-gen3-x8")?;
    println!("profile {}, seed 1", profile.name);
    let times = run(ClusterOptions::new(profile, firmware))?;
    println!(
        "a look-up takes {:.0} ns by a remote read, {:.0} ns by asking the server's program",
        times.read_ns, times.asked_ns
    );
    Ok(())
}
