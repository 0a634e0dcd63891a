//! A debugger that speaks GDB's protocol, at the server.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use wayfarer_debug::{Image, gdb};

/// What GDB does on its side.
struct Client(TcpStream);

impl Client {
    /// Sends a packet and returns the reply's contents.
    fn ask(&mut self, contents: &str) -> String {
        self.send(contents);
        self.reply()
    }

    fn send(&mut self, contents: &str) {
        let sum = contents
            .bytes()
            .fold(0_u8, |sum, byte| sum.wrapping_add(byte));
        let packet = format!("${contents}#{sum:02x}");
        self.0.write_all(packet.as_bytes()).expect("it is sent");
    }

    fn reply(&mut self) -> String {
        while self.byte() != b'$' {}
        let mut contents = String::new();
        loop {
            match self.byte() {
                b'#' => break,
                byte => contents.push(byte.into()),
            }
        }
        self.byte();
        self.byte();
        self.0.write_all(b"+").expect("it is sent");
        contents
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).expect("the server answers");
        byte[0]
    }

    /// The program counter, as GDB reads it.
    fn place(&mut self) -> u32 {
        let text = self.ask("p20");
        u32::from_str_radix(&text, 16)
            .expect("a number")
            .swap_bytes()
    }
}

#[test]
fn gdb_reads_steps_breaks_resets_and_leaves_while_messages_arrive() {
    let image = Image::open().unwrap_or_else(|error| panic!("{error}"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let client = std::thread::spawn(move || {
        let (main, _) = image.symbol("main").expect("a symbol");
        let (rtt, _) = image.symbol("_SEGGER_RTT").expect("a symbol");
        let mut gdb = Client(TcpStream::connect(address).expect("the server listens"));
        assert!(gdb.ask("qSupported:swbreak+").contains("PacketSize="));
        assert!(
            gdb.ask("qXfer:features:read:target.xml:0,ffb")
                .contains("riscv:rv32")
        );
        assert_eq!(gdb.ask("?"), "T05thread:1;");
        assert_eq!(gdb.ask("g").len(), 33 * 8);
        // "SEGG"
        assert_eq!(gdb.ask(&format!("m{rtt:x},4")), "53454747");
        assert_eq!(gdb.ask("vMustReplyEmpty"), "");
        assert_eq!(gdb.ask("m1"), "E16");

        let before = gdb.place();
        assert_eq!(gdb.ask("vCont;s:1"), "T05thread:1;");
        let after = gdb.place();
        assert_ne!(after, before);
        assert_eq!(gdb.ask("P5=78563412"), "OK");
        assert_eq!(gdb.ask("p5"), "78563412");

        // "reset"
        assert_eq!(gdb.ask("qRcmd,7265736574"), "OK");
        assert_eq!(gdb.ask(&format!("Z0,{main:x},2")), "OK");
        assert_eq!(gdb.ask("vCont;c"), "T05thread:1;");
        assert_eq!(u64::from(gdb.place()), main);
        assert_eq!(gdb.ask(&format!("z0,{main:x},2")), "OK");

        gdb.send("c");
        gdb.0.write_all(&[3]).expect("it is sent");
        assert_eq!(gdb.reply(), "T02thread:1;");
        assert_ne!(u64::from(gdb.place()), main);
        assert_eq!(gdb.ask("D"), "OK");
    });
    let run = support::debug(|mut session, traffic| {
        let before = traffic.received();
        let (stream, _) = listener.accept().expect("GDB comes");
        gdb::serve(stream, &mut session).unwrap_or_else(|error| panic!("{error}"));
        assert!(traffic.received() > before, "messages arrive meanwhile");
        let mut core = session.core(0).expect("a core");
        assert!(!core.core_halted().expect("it says"), "it runs again");
    });
    client.join().expect("GDB is content");
    assert!(run.received > 10, "{}", run.received);
}
