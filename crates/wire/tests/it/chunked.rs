//! Bodies of the `aws-chunked` encoding: AWS's published examples, the forms that clients send, and every way to break them.

use bytes::Bytes;
use proptest::prelude::{ProptestConfig, any, proptest};
use strongroom_model::checksum::{Checksum, ChecksumAlgorithm};
use strongroom_wire::chunked::{CHUNK_LINE_MAX, ChunkError, Chunks, Step, TRAILER_MAX};
use strongroom_wire::claim::PayloadProof;
use strongroom_wire::signature::chunk::{ChunkDigest, ChunkSeed};

use crate::vectors::Vector;

/// The checksum of AWS's example: `sOO8/Q==`.
const EXAMPLE_CRC32C: [u8; 4] = [0xb0, 0xe3, 0xbc, 0xfd];

fn seed(file: &str) -> ChunkSeed {
    let vector = Vector::read("s3", file);
    let proof = vector.verify(&vector.parts, &vector.secret(), vector.time()).unwrap();
    let PayloadProof::Chunked(seed) = proof.payload else { panic!("{file} is not signed in chunks") };
    seed
}

/// Reads a body given in pieces of `size` bytes: the data, and the trailer's checksum.
fn read(mut chunks: Chunks, body: &[u8], size: usize) -> Result<(Vec<u8>, Option<Checksum>), ChunkError> {
    let mut data = Vec::new();
    for piece in body.chunks(size.max(1)) {
        let mut input = Bytes::copy_from_slice(piece);
        while let Step::Data(bytes) = chunks.step(&mut input)? {
            assert!(!bytes.is_empty());
            data.extend_from_slice(&bytes);
        }
        assert!(input.is_empty());
    }
    chunks.finish().map(|checksum| (data, checksum))
}

fn example_body() -> Vec<u8> {
    example(
        [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ],
        "\r\n",
    )
}

fn example_with_trailer(trailer: &str) -> Vec<u8> {
    example(
        [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ],
        trailer,
    )
}

fn example([first, second, last]: [&str; 3], end: &str) -> Vec<u8> {
    let (long, short) = ("a".repeat(65_536), "a".repeat(1024));
    let body = format!(
        "10000;chunk-signature={first}\r\n{long}\r\n400;chunk-signature={second}\r\n{short}\r\n0;chunk-signature={last}\r\n{end}"
    );
    body.into_bytes()
}

#[test]
fn the_published_example_verifies_however_it_is_cut() {
    for size in [1, 7, 85, 86, 1000, 65_536, usize::MAX] {
        let chunks = Chunks::new(Some(seed("aws-chunked.http")), None, Some(66_560));
        let (data, checksum) = read(chunks, &example_body(), size.min(66_824)).unwrap();
        assert_eq!((data.len(), checksum), (66_560, None), "{size}");
        assert!(data.iter().all(|&byte| byte == b'a'));
    }
    assert_eq!(example_body().len(), 66_824, "the Content-Length of the example");
}

#[test]
fn the_published_example_with_a_trailer_verifies() {
    let signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    let announced = Some(ChecksumAlgorithm::Crc32c);
    for trailer in [
        format!("x-amz-checksum-crc32c:sOO8/Q==\r\n{signature}\r\n\r\n"),
        // As minio-go writes it.
        format!("x-amz-checksum-crc32c:sOO8/Q==\n\r\n{signature}\r\n\r\n"),
    ] {
        for size in [1, 1000, 70_000] {
            let chunks = Chunks::new(Some(seed("aws-chunked-trailer.http")), announced, Some(66_560));
            let (data, checksum) = read(chunks, &example_with_trailer(&trailer), size).unwrap();
            assert_eq!(data.len(), 66_560);
            let expected = Checksum::whole(ChecksumAlgorithm::Crc32c, EXAMPLE_CRC32C.to_vec());
            assert_eq!(checksum, Some(expected));
        }
    }
    for (trailer, expected) in [
        (format!("x-amz-checksum-crc32c:AOO8/Q==\r\n{signature}\r\n\r\n"), ChunkError::Signature),
        (
            format!("{signature}\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"),
            ChunkError::Trailer("a field is out of place"),
        ),
        ("x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n".to_owned(), ChunkError::Malformed("the body ends too soon")),
        (format!("{signature}\r\n\r\n"), ChunkError::Trailer("the checksum announced is missing")),
    ] {
        let chunks = Chunks::new(Some(seed("aws-chunked-trailer.http")), announced, Some(66_560));
        assert_eq!(read(chunks, &example_with_trailer(&trailer), 4096).unwrap_err(), expected, "{trailer}");
    }
}

#[test]
fn a_body_cut_off_anywhere_has_not_finished() {
    let body = example_body();
    for length in (0..200).chain(65_500..body.len()) {
        let chunks = Chunks::new(Some(seed("aws-chunked.http")), None, Some(66_560));
        let cut = read(chunks, &body[..length], 4096);
        assert_eq!(cut.unwrap_err(), ChunkError::Malformed("the body ends too soon"), "{length}");
    }
}

#[test]
fn a_changed_byte_of_a_signed_body_is_noticed() {
    let body = example_body();
    for place in (0..body.len()).filter(|place| place % 509 == 0 || *place < 100 || *place > 65_600) {
        let mut changed = body.clone();
        changed[place] ^= 1;
        let chunks = Chunks::new(Some(seed("aws-chunked.http")), None, Some(66_560));
        assert!(read(chunks, &changed, 8192).is_err(), "{place}");
    }
}

#[test]
fn the_last_piece_of_a_forged_chunk_is_not_released() {
    let mut body = example_body();
    body[90] ^= 1;
    let mut chunks = Chunks::new(Some(seed("aws-chunked.http")), None, Some(66_560));
    let mut input = Bytes::from(body);
    assert_eq!(chunks.step(&mut input), Err(ChunkError::Signature));
}

#[test]
fn chunks_in_another_order_do_not_verify() {
    let mut seed_for_writing = seed("aws-chunked.http");
    let mut write = |data: &[u8]| {
        let mut digest = ChunkDigest::new();
        digest.update(data);
        let line = format!("{:x};chunk-signature={}\r\n", data.len(), seed_for_writing.sign_chunk(digest));
        [line.as_bytes(), data, b"\r\n"].concat()
    };
    let (first, second, last) = (write(b"first"), write(b"other"), write(b""));
    let read =
        |body: &[u8]| read(Chunks::new(Some(seed("aws-chunked.http")), None, None), body, 64).map(|(data, _)| data);
    assert_eq!(read(&[&first[..], &second, &last].concat()).unwrap(), b"firstother");
    for wrong in [[&second[..], &first, &last], [&first, &first, &last], [&first, &last, &last]] {
        assert!(read(&wrong.concat()).is_err());
    }
    assert_eq!(read(&[&first[..], &last].concat()), Err(ChunkError::Signature));
}

#[test]
fn unsigned_bodies_are_read_in_the_forms_that_clients_send() {
    let crc = |value: &[u8]| Some(Checksum::whole(ChecksumAlgorithm::Crc32, value.to_vec()));
    let announced = Some(ChecksumAlgorithm::Crc32);
    for (body, announced, expected) in [
        ("5\r\nhello\r\n0\r\n\r\n", None, None),
        ("0\r\n\r\n", None, None),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", announced, crc(&[0x36, 0x10, 0xa6, 0x86])),
        (
            "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Amz-Checksum-CRC32: NhCmhg==\r\n\r\n",
            announced,
            crc(&[0x36, 0x10, 0xa6, 0x86]),
        ),
        // As minio-go writes it.
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n", announced, crc(&[0x36, 0x10, 0xa6, 0x86])),
    ] {
        for size in 1..body.len() {
            let length = if body.starts_with('0') { 0 } else { 5 };
            let (data, checksum) = read(Chunks::new(None, announced, Some(length)), body.as_bytes(), size).unwrap();
            assert_eq!(data, &b"hello"[..data.len()]);
            assert_eq!((data.len() as u64, checksum), (length, expected.clone()), "{body:?} by {size}");
        }
    }
}

#[test]
fn what_is_not_of_the_encoding_is_refused() {
    use ChunkError::{Length, Malformed, Trailer};
    let long = format!("{}5\r\n", "0".repeat(CHUNK_LINE_MAX));
    let wordy = format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{}", "A".repeat(TRAILER_MAX));
    let announced = Some(ChecksumAlgorithm::Crc32);
    for (body, announced, expected) in [
        ("5\r\nhello!\r\n0\r\n\r\n", None, Malformed("no line end after a chunk")),
        ("5\r\nhello\r\n\r\n", None, Malformed("a chunk's size is not a number")),
        ("-5\r\nhello\r\n0\r\n\r\n", None, Malformed("a chunk's size is not a number")),
        ("+5\r\nhello\r\n0\r\n\r\n", None, Malformed("a chunk's size is not a number")),
        ("5 \r\nhello\r\n0\r\n\r\n", None, Malformed("a chunk's size is not a number")),
        ("5\nhello\r\n0\r\n\r\n", None, Malformed("a chunk's line is not text")),
        ("5;a=b\r\nhello\r\n0\r\n\r\n", None, Malformed("a chunk's size is not a number")),
        ("5;chunk-signature=00\r\nhello\r\n", None, Malformed("a chunk is signed, but the request is not")),
        ("140000001\r\n", None, Malformed("a chunk is too large")),
        ("ffffffffffffffff\r\n", None, Malformed("a chunk is too large")),
        ("fffffffffffffffff\r\n", None, Malformed("a chunk's size is not a number")),
        (&long, None, Malformed("a line is too long")),
        (&wordy, announced, Malformed("a line is too long")),
        ("6\r\nhello!\r\n0\r\n\r\n", None, Length),
        ("4\r\nhell\r\n0\r\n\r\n", None, Length),
        ("5\r\nhello\r\n0\r\n\r\nx", None, Malformed("something follows the last chunk")),
        ("5\r\nhello\r\n0\r\n\r\n\r\n\r\n", None, Malformed("something follows the last chunk")),
        ("5\r\nhello\r\n0\r\n\r\n5\r\nhello\r\n0\r\n\r\n", None, Malformed("something follows the last chunk")),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", None, Trailer("a field was not announced")),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-sha1:NhCmhg==\r\n\r\n", announced, Trailer("a field was not announced")),
        ("5\r\nhello\r\n0\r\n\r\n", announced, Trailer("the checksum announced is missing")),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCm\r\n\r\n", announced, Trailer("the checksum is not well formed")),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32\r\n\r\n", announced, Trailer("a line has no colon")),
        (
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            announced,
            Trailer("a field is out of place"),
        ),
        ("5\r\nhello\r\n0\r\nx-amz-trailer-signature:00\r\n\r\n", announced, Trailer("a field was not announced")),
    ] {
        for size in [1, 3, 64, 8192] {
            let refused = read(Chunks::new(None, announced, Some(5)), body.as_bytes(), size);
            assert_eq!(refused.unwrap_err(), expected, "{body:.60?} by {size}");
        }
    }
}

#[test]
fn an_unsigned_chunk_in_a_signed_body_is_refused() {
    let refused = read(Chunks::new(Some(seed("aws-chunked.http")), None, None), b"5\r\nhello\r\n0\r\n\r\n", 64);
    assert_eq!(refused.unwrap_err(), ChunkError::Malformed("a chunk is not signed"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_in_chunks_is_read(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..6),
        size in 1_usize..400,
        signed: bool,
    ) {
        let mut writer = signed.then(|| seed("aws-chunked.http"));
        let mut body = Vec::new();
        for piece in pieces.iter().map(Vec::as_slice).chain([&b""[..]]) {
            let mut digest = ChunkDigest::new();
            digest.update(piece);
            let signature = writer.as_mut().map(|seed| format!(";chunk-signature={}", seed.sign_chunk(digest)));
            body.extend_from_slice(format!("{:x}{}\r\n", piece.len(), signature.unwrap_or_default()).as_bytes());
            body.extend_from_slice(piece);
            body.extend_from_slice(b"\r\n");
        }
        let expected = pieces.concat();
        let chunks = Chunks::new(signed.then(|| seed("aws-chunked.http")), None, Some(expected.len() as u64));
        assert_eq!(read(chunks, &body, size), Ok((expected, None)));
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..64) {
        // Arbitrary bytes are an error, or, once in a blue moon, an empty body.
        if let Ok((data, _)) = read(Chunks::new(None, None, None), &body, size) {
            assert!(data.len() < body.len());
        }
    }
}
