//! The engine as a program that speaks the protocol over stdin and stdout.

#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};

use quotemark_engine::wire::Server;

fn main() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut server = Server::default();
    let (mut line, mut answer) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        let more = server.answer(&line, &mut answer)?;
        output.write_all(&answer)?;
        output.flush()?;
        if !more {
            break;
        }
        line.clear();
        answer.clear();
    }
    Ok(())
}
