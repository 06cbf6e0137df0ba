//! A client that sends what it is told, and nothing else: bytes over a socket, signed by `wire`.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use http::{Request, request::Parts};
use strongroom_model::{
    name::{AccessKeyId, Region},
    secret::SecretKey,
    time::Timestamp,
};
use strongroom_wire::signature::{
    Scheme, Target, chunk::ChunkSeed, oss4::OSS4, payload::PayloadWord, sign::Signer, v4::AWS4,
};

use crate::process::{ACCESS_KEY, SECRET_KEY};

/// Longest that a test waits for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code in an error document.
    pub(crate) fn code(&self) -> String {
        let text = self.text();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        code.map(|(code, _)| code.to_owned()).unwrap_or_else(|| format!("no code in {text:?}"))
    }
}

/// A connection.
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream().write_all(bytes)
    }

    /// Reads an answer whole. `to_head` is for answers to HEAD, which have no body whatever they say.
    pub(crate) fn receive(&mut self, to_head: bool) -> io::Result<Answer> {
        let mut answer = self.receive_head()?;
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        if !to_head && answer.status != 304 && answer.status != 204 {
            answer.body = vec![0; length];
            self.reader.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// Reads an answer whose body comes in chunks, and these apart.
    pub(crate) fn receive_chunks(&mut self) -> io::Result<(Answer, Vec<Vec<u8>>)> {
        let mut answer = self.receive_head()?;
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"), "{:?}", answer.headers);
        let mut chunks = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim_end(), 16).expect("a chunk begins with its length");
            let mut chunk = vec![0; length + 2];
            self.reader.read_exact(&mut chunk)?;
            chunk.truncate(length);
            if length == 0 {
                answer.body = chunks.concat();
                return Ok((answer, chunks));
            }
            chunks.push(chunk);
        }
    }

    fn receive_head(&mut self) -> io::Result<Answer> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end() {
                "" if lines.first().is_some_and(|first: &String| first.contains(" 100 ")) => lines.clear(),
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &String| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Ok(Answer { status, headers: lines[1..].iter().map(header).collect(), body: Vec::new() })
    }

    /// Whether the other end has closed, or closes in time.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) payload: PayloadWord,
    pub(crate) scheme: &'static Scheme,
    /// Access key and secret; none to sign nothing.
    pub(crate) signer: Option<(&'a str, &'a str)>,
}

impl<'a> Ask<'a> {
    /// In the S3 dialect.
    pub(crate) fn s3(method: &'a str, target: &'a str) -> Self {
        Self {
            method,
            target,
            headers: Vec::new(),
            payload: PayloadWord::Unsigned,
            scheme: &AWS4,
            signer: Some((ACCESS_KEY, SECRET_KEY)),
        }
    }

    /// In the OSS dialect.
    pub(crate) fn oss(method: &'a str, target: &'a str) -> Self {
        Self { scheme: &OSS4, ..Self::s3(method, target) }
    }

    pub(crate) fn header(mut self, name: &'a str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn payload(mut self, payload: PayloadWord) -> Self {
        self.payload = payload;
        self
    }

    /// Signed by somebody else than the root user.
    pub(crate) fn by(mut self, access_key: &'a str, secret: &'a str) -> Self {
        self.signer = Some((access_key, secret));
        self
    }

    /// Signed by nobody.
    pub(crate) fn unsigned(mut self) -> Self {
        self.signer = None;
        self
    }

    /// The signed head as it goes over the wire, and the seed of a signed chain of chunks.
    pub(crate) fn head(&self, address: SocketAddr) -> (Vec<u8>, Option<ChunkSeed>) {
        let uri = format!("http://{address}{}", self.target);
        let mut request = Request::builder().method(self.method).uri(uri);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let Some((access_key, secret)) = self.signer else {
            parts.headers.insert("host", address.to_string().parse().unwrap());
            return (written(&parts), None);
        };
        let (access_key, secret) = (AccessKeyId::parse(access_key).unwrap(), SecretKey::new(secret.to_owned()));
        let region = Region::parse("us-east-1").unwrap();
        let signer = Signer { access_key: &access_key, secret: &secret, token: None, region: &region };
        let segments = self.target.split('?').next().unwrap().trim_start_matches('/');
        let bucket = segments.split('/').next().filter(|bucket| !bucket.is_empty());
        let target = Target { bucket, virtual_hosted: false };
        let seed = self.scheme.sign(&mut parts, &target, &signer, now(), &self.payload).unwrap();
        (written(&parts), seed)
    }

    /// Sends it with that body on a connection of its own.
    pub(crate) fn send(&self, address: SocketAddr, body: &[u8]) -> io::Result<Answer> {
        self.send_on(&mut Connection::open(address)?, address, body)
    }

    /// Sends it with that body on a connection that stays open.
    pub(crate) fn send_on(&self, connection: &mut Connection, address: SocketAddr, body: &[u8]) -> io::Result<Answer> {
        let declared = self.headers.iter().any(|(name, _)| matches!(*name, "content-length" | "transfer-encoding"));
        let (mut head, _) = self.head(address);
        if !declared && (!body.is_empty() || self.method == "PUT") {
            insert_header(&mut head, &format!("content-length: {}\r\n", body.len()));
        }
        connection.send(&[&head, body].concat())?;
        connection.receive(self.method == "HEAD")
    }
}

/// Puts an unsigned header into a head that is signed already.
pub(crate) fn insert_header(head: &mut Vec<u8>, line: &str) {
    let end = head.len() - 2;
    head.splice(end..end, line.bytes());
}

/// The time, as the signatures need it.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn written(parts: &Parts) -> Vec<u8> {
    let target = parts.uri.path_and_query().unwrap();
    let mut head = format!("{} {target} HTTP/1.1\r\n", parts.method).into_bytes();
    for (name, value) in &parts.headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Makes a bucket.
pub(crate) fn make_bucket(address: SocketAddr, bucket: &str) {
    let answer = Ask::s3("PUT", &format!("/{bucket}")).send(address, b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The keys in a bucket: all, if there are at most a thousand.
pub(crate) fn keys(address: SocketAddr, bucket: &str) -> Vec<String> {
    let answer = Ask::s3("GET", &format!("/{bucket}?list-type=2")).send(address, b"").unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    text.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}
