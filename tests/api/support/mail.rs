//! A mail server on this machine that keeps what it is given, and mail taken apart as a reader's program does it.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A mail server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct MailServer {
    url: String,
    kept: Arc<(Mutex<Kept>, Condvar)>,
}

#[derive(Default)]
struct Kept {
    mails: Vec<String>,
    /// Whether it hangs up on everyone.
    is_down: bool,
    /// How many more mails it takes and then says that it did not.
    refused: usize,
}

impl MailServer {
    pub(crate) fn begin() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Self { url, kept: Arc::default() };
        let serving = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(stream.unwrap()));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_down(&self, is_down: bool) {
        self.kept.0.lock().unwrap().is_down = is_down;
    }

    pub(crate) fn refuses(&self, mails: usize) {
        self.kept.0.lock().unwrap().refused = mails;
    }

    /// What it was given since it was last asked.
    pub(crate) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.kept.0.lock().unwrap().mails).into_iter().map(Mail).collect()
    }

    /// Waits until it was given so many.
    pub(crate) async fn wait_for(&self, mails: usize) {
        let kept = Arc::clone(&self.kept);
        let waiting = actix_web::rt::task::spawn_blocking(move || {
            let patience = Duration::from_mins(2);
            let guard = kept.1.wait_timeout_while(kept.0.lock().unwrap(), patience, |kept| kept.mails.len() < mails);
            assert!(!guard.unwrap().1.timed_out(), "fewer than {mails} mails came");
        });
        waiting.await.unwrap();
    }

    fn serve(&self, mut stream: TcpStream) {
        if self.kept.0.lock().unwrap().is_down {
            return;
        }
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        stream.set_write_timeout(Some(Duration::from_mins(2))).unwrap();
        let _gone = stream.write_all(b"220 sink\r\n");
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while let Some(Ok(line)) = lines.next() {
            let answer: &[u8] = match line.split([' ', ':']).next().unwrap() {
                "DATA" => {
                    let _gone = stream.write_all(b"354 go on\r\n");
                    let mail: Vec<String> = lines.by_ref().map(Result::unwrap).take_while(|line| line != ".").collect();
                    let mut kept = self.kept.0.lock().unwrap();
                    kept.mails.push(mail.join("\n"));
                    self.kept.1.notify_all();
                    let is_refused = kept.refused > 0;
                    kept.refused = kept.refused.saturating_sub(1);
                    if is_refused { b"451 not now\r\n" } else { b"250 kept\r\n" }
                }
                "QUIT" => b"221 bye\r\n",
                _ => b"250 sink\r\n",
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    }
}

/// One mail as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Mail(String);

/// A part of a mail: its head, and what is in it.
pub(crate) struct Part {
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Mail {
    /// What a line of its head says.
    pub(crate) fn head(&self, name: &str) -> &str {
        let head = self.0.split("\n\n").next().unwrap();
        let found = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_else(|| panic!("no {name}: {head}"))
    }

    /// Its parts that have something in them.
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for text in self.0.split("\n--").skip(1) {
            let Some((head, body)) = text.split_once("\n\n") else { continue };
            let body = if head.contains("Transfer-Encoding: base64") {
                STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap()
            } else if head.contains("Transfer-Encoding: quoted-printable") {
                unquoted(body)
            } else {
                body.as_bytes().to_vec()
            };
            parts.push(Part { head: head.to_owned(), body });
        }
        parts
    }

    fn words(&self, kind: &str) -> String {
        let part = self.parts().into_iter().find(|part| part.head.contains(&format!("Content-Type: {kind}")));
        String::from_utf8(part.unwrap_or_else(|| panic!("no {kind}: {}", self.0)).body).unwrap()
    }

    /// Its words as plain text.
    pub(crate) fn text(&self) -> String {
        self.words("text/plain")
    }

    /// Its words as HTML.
    pub(crate) fn html(&self) -> String {
        self.words("text/html")
    }

    /// Its files, each by its name.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let name = |part: &Part| {
            let (_, rest) = part.head.split_once("attachment; filename=\"")?;
            rest.split('"').next().map(str::to_owned)
        };
        self.parts().into_iter().filter_map(|part| Some((name(&part)?, part.body))).collect()
    }
}

/// What quoted-printable stands for.
fn unquoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\n", "");
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        let code = [bytes.clone().next(), bytes.clone().nth(1)];
        match (byte, code) {
            (b'=', [Some(high), Some(low)]) => {
                let pair = [high, low];
                out.push(u8::from_str_radix(std::str::from_utf8(&pair).unwrap(), 16).unwrap());
                bytes.nth(1);
            }
            _ => out.push(byte),
        }
    }
    out
}
