//! `multipart/form-data` (RFC 7578), pushed bytes and yielding parts.
//!
//! ```text
//! [preamble] --<boundary> CR LF
//! Content-Disposition: form-data; name="<name>"[; filename="<name>"] CR LF
//! [Content-Type: <type> CR LF] CR LF
//! <data> CR LF --<boundary> CR LF        and the next part, or
//! <data> CR LF --<boundary>--            and the end
//! ```
//!
//! Data comes out as it comes in, for the last part may be as large as an object.

use bytes::{Bytes, BytesMut};
use memchr::memmem::{self, Finder};

use super::part::PartHead;

/// Longest boundary in bytes (RFC 2046 §5.1.1).
pub(crate) const BOUNDARY_MAX: usize = 70;

/// Longest head of one part, in bytes: a name, a file name of a few hundred characters, a type.
const PART_HEAD_MAX: usize = 4 * 1024;

/// Most blanks between a boundary and its line's end.
const PADDING_MAX: usize = 64;

/// Reads one body.
pub(crate) struct Multipart {
    /// CR LF, two dashes and the boundary.
    delimiter: Finder<'static>,
    /// What has come and is not yet understood.
    pending: Bytes,
    /// How many bytes have been understood.
    consumed: u64,
    state: State,
}

/// What a body has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// More must come.
    NeedsMore,
    /// A part begins.
    Part(PartHead),
    /// A piece of the part's data, never empty.
    Data(Bytes),
    /// The part ends.
    PartEnd,
    /// The body ends.
    End,
}

/// The bytes are not of this encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not multipart/form-data: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// After a boundary.
    Boundary,
    /// In the head of a part.
    Head,
    /// In the data of a part.
    Data,
    /// After the last boundary.
    Ended,
}

impl Multipart {
    /// Begins to read a body whose parts this boundary parts.
    pub(crate) fn new(boundary: &str) -> Self {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The first boundary may be the first thing in the body: it is found as if a line had ended before.
        Self { delimiter, pending: Bytes::from_static(b"\r\n"), consumed: 0, state: State::Preamble }
    }

    /// Takes in what has come.
    pub(crate) fn feed(&mut self, more: Bytes) {
        if self.pending.is_empty() {
            self.pending = more;
            return;
        }
        let mut joined = BytesMut::with_capacity(self.pending.len() + more.len());
        joined.extend_from_slice(&self.pending);
        joined.extend_from_slice(&more);
        self.pending = joined.freeze();
    }

    /// How many bytes have been understood so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// The next thing in what has come.
    ///
    /// # Errors
    /// The first thing wrong; the body is then of no use.
    pub(crate) fn next(&mut self) -> Result<Event, Malformed> {
        loop {
            let event = match self.state {
                State::Preamble => self.skip_preamble(),
                State::Boundary => self.end_boundary()?,
                State::Head => self.take_head()?,
                State::Data => Some(self.take_data()),
                State::Ended => Some(Event::End),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn skip_preamble(&mut self) -> Option<Event> {
        match self.delimiter.find(&self.pending) {
            Some(place) => {
                self.skip(place + self.delimiter.needle().len());
                self.state = State::Boundary;
                None
            }
            None => {
                self.skip(self.pending.len() - self.held_back());
                Some(Event::NeedsMore)
            }
        }
    }

    /// The rest of a boundary's line: two dashes after the last one, else nothing but blanks.
    fn end_boundary(&mut self) -> Result<Option<Event>, Malformed> {
        if self.pending.starts_with(b"--") {
            self.skip(2);
            self.state = State::Ended;
            return Ok(None);
        }
        let blanks = self.pending.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match &self.pending[blanks..] {
            _ if blanks > PADDING_MAX => Err(Malformed("a boundary is followed by too many blanks")),
            [b'\r', b'\n', ..] => {
                self.skip(blanks + 2);
                self.state = State::Head;
                Ok(None)
            }
            [] | [b'\r'] => Ok(Some(Event::NeedsMore)),
            [b'-'] if blanks == 0 => Ok(Some(Event::NeedsMore)),
            _ => Err(Malformed("a boundary is followed by something else than a line's end")),
        }
    }

    fn take_head(&mut self) -> Result<Option<Event>, Malformed> {
        let end = memmem::find(&self.pending, b"\r\n\r\n");
        if end.unwrap_or(self.pending.len()) > PART_HEAD_MAX {
            return Err(Malformed("the head of a part is too long"));
        }
        let Some(end) = end else { return Ok(Some(Event::NeedsMore)) };
        let head = PartHead::parse(&self.pending[..end])?;
        self.skip(end + 4);
        self.state = State::Data;
        Ok(Some(Event::Part(head)))
    }

    fn take_data(&mut self) -> Event {
        let length = match self.delimiter.find(&self.pending) {
            Some(0) => {
                self.skip(self.delimiter.needle().len());
                self.state = State::Boundary;
                return Event::PartEnd;
            }
            Some(place) => place,
            None => self.pending.len() - self.held_back(),
        };
        if length == 0 {
            return Event::NeedsMore;
        }
        self.consumed += length as u64;
        Event::Data(self.pending.split_to(length))
    }

    /// How many bytes at the end may be the beginning of a boundary.
    fn held_back(&self) -> usize {
        let delimiter = self.delimiter.needle();
        let longest = self.pending.len().min(delimiter.len() - 1);
        (1..=longest).rev().find(|&length| self.pending.ends_with(&delimiter[..length])).unwrap_or(0)
    }

    fn skip(&mut self, length: usize) {
        self.consumed += length as u64;
        drop(self.pending.split_to(length));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, proptest};
    use proptest::sample::Index;

    use super::*;

    /// Names and data.
    type Parts = Vec<(String, Vec<u8>)>;

    /// What a body comes to, fed in pieces that end at `cuts`: names and data of its parts, and whether it ended.
    fn read(body: &[u8], mut cuts: Vec<usize>) -> Result<(Parts, bool), Malformed> {
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let mut multipart = Multipart::new("b0");
        let (mut parts, mut ended) = (Vec::new(), false);
        for pair in cuts.windows(2) {
            multipart.feed(Bytes::copy_from_slice(&body[pair[0]..pair[1]]));
            loop {
                match multipart.next()? {
                    Event::NeedsMore => break,
                    Event::Part(head) => parts.push((head.name, Vec::new())),
                    Event::Data(piece) => parts.last_mut().unwrap().1.extend_from_slice(&piece),
                    Event::PartEnd => {}
                    Event::End => {
                        ended = true;
                        break;
                    }
                }
            }
        }
        Ok((parts, ended))
    }

    fn part(name: &str, data: &[u8]) -> Vec<u8> {
        let head = format!("--b0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), data, b"\r\n"].concat()
    }

    #[test]
    fn parts_are_read_in_order() {
        let body = [&b"a preamble\r\n"[..], &part("key", b"a"), &part("file", b"\r\n--b\r\n"), b"--b0--\r\n"].concat();
        let expected = vec![("key".to_owned(), b"a".to_vec()), ("file".to_owned(), b"\r\n--b\r\n".to_vec())];
        assert_eq!(read(&body, Vec::new()), Ok((expected, true)));
        assert_eq!(read(b"--b0--", Vec::new()), Ok((Vec::new(), true)));
        assert_eq!(read(&part("key", b""), Vec::new()), Ok((vec![("key".to_owned(), Vec::new())], false)));
    }

    #[test]
    fn blanks_may_follow_a_boundary_and_nothing_else() {
        let padded = b"--b0 \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b0--";
        assert_eq!(read(padded, Vec::new()), Ok((vec![("a".to_owned(), b"1".to_vec())], true)));
        for wrong in
            [&b"--b0x\r\n"[..], b"--b0-x", b"--b0 --", b"--b0\n\n", &[b"--b0".to_vec(), vec![b' '; 65]].concat()]
        {
            assert!(read(wrong, Vec::new()).is_err(), "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn a_head_has_its_limit_before_its_end_comes() {
        let body = [&b"--b0\r\n"[..], &[b'a'; PART_HEAD_MAX + 1]].concat();
        assert_eq!(read(&body, Vec::new()), Err(Malformed("the head of a part is too long")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn however_it_is_cut_the_parts_are_the_same(
            data in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(&b"\r\n-b0x"[..]), 0..40), 1..4),
            cuts in proptest::collection::vec(any::<Index>(), 0..20),
        ) {
            let delimiter = b"\r\n--b0";
            let free = data.iter().all(|data| memmem::find(&[data.as_slice(), delimiter].concat(), delimiter) == Some(data.len()));
            proptest::prop_assume!(free);
            let mut body: Vec<u8> = data.iter().flat_map(|data| part("p", data)).collect();
            body.extend_from_slice(b"--b0--\r\n");
            let expected = data.iter().map(|data| ("p".to_owned(), data.clone())).collect();
            let cuts = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            assert_eq!(read(&body, cuts), Ok((expected, true)));
        }
    }
}
