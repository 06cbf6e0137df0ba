//! The least a sealing server can do: hyper receives a body, ring seals it in 64 KiB chunks, and it is dropped; or ring
//! opens chunks kept in memory, and hyper sends them. No names, no metadata, no disk.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Either, Empty};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use tokio::net::TcpListener;

/// Plaintext bytes of a chunk, as docs/FORMAT.md has it.
const CHUNK: usize = 65_536;

/// A key, and one sealed chunk that stands for all that is served.
struct Store {
    key: LessSafeKey,
    sealed: Vec<u8>,
}

/// Serves until killed.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn serve(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    let store = Arc::new(Store::new()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let store = store.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(store.clone(), request));
            // A client that hangs up ends its connection: nothing to report.
            let _ = http1::Builder::new().max_buf_size(64 * 1024).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Store {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map(LessSafeKey::new).map_err(|_| "ring refuses a key")?;
        let mut store = Self { key, sealed: vec![0; CHUNK] };
        let mut chunk = std::mem::take(&mut store.sealed);
        store.seal(&mut chunk, 0);
        store.sealed = chunk;
        Ok(store)
    }

    fn seal(&self, chunk: &mut Vec<u8>, number: u32) {
        let tag = self.key.seal_in_place_separate_tag(nonce(number), Aad::empty(), chunk);
        chunk.extend_from_slice(tag.expect("a chunk is within the cipher's limits").as_ref());
    }

    fn open(&self, chunk: &mut [u8]) {
        let (data, tag) = chunk.split_at_mut(CHUNK);
        let tag = Tag::try_from(&*tag).expect("a sealed chunk ends in a tag");
        self.key.open_in_place_separate_tag(nonce(0), Aad::empty(), tag, data, 0..).expect("the chunk was sealed here");
    }
}

fn nonce(number: u32) -> Nonce {
    let mut bytes = [0; 12];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

async fn answer(
    store: Arc<Store>,
    request: Request<Incoming>,
) -> Result<Response<Either<Opened, Empty<Bytes>>>, Infallible> {
    if request.method() == Method::GET {
        let size = size_in(request.uri().path());
        return Ok(Response::new(Either::Left(Opened { store, left: size })));
    }
    let mut body = request.into_body();
    let (mut chunk, mut number) = (Vec::with_capacity(CHUNK + 16), 0);
    while let Some(Ok(frame)) = body.frame().await {
        let mut data = frame.into_data().unwrap_or_default();
        while !data.is_empty() {
            let part = data.split_to(data.len().min(CHUNK - chunk.len()));
            chunk.extend_from_slice(&part);
            if chunk.len() == CHUNK {
                store.seal(&mut chunk, number);
                number += 1;
                chunk.clear();
            }
        }
    }
    store.seal(&mut chunk, number);
    Ok(Response::new(Either::Right(Empty::new())))
}

/// The size that an object's name tells: `/bucket/get-<size>-…`.
fn size_in(path: &str) -> usize {
    path.split('-').filter_map(|word| word.parse().ok()).next().unwrap_or(0)
}

/// A body that opens its chunks as they are asked for.
struct Opened {
    store: Arc<Store>,
    left: usize,
}

impl Body for Opened {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = self.left.min(CHUNK);
        let mut chunk = Vec::with_capacity(size + 16);
        if size == CHUNK {
            chunk.extend_from_slice(&self.store.sealed);
            self.store.open(&mut chunk);
        } else {
            // Only whole chunks are kept sealed; for the short last one sealing stands for opening, which costs the same.
            chunk.extend_from_slice(&self.store.sealed[..size]);
            self.store.seal(&mut chunk, 0);
        }
        chunk.truncate(size);
        self.left -= size;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_size() {
        assert_eq!(size_in("/strongroom-bench/get-4096-plain-3"), 4096);
    }

    #[test]
    fn what_is_served_was_really_sealed() {
        let store = Store::new().expect("ring takes the key");
        let mut chunk = store.sealed.clone();
        assert_ne!(chunk[..CHUNK], [0; CHUNK]);
        store.open(&mut chunk);
        assert_eq!(chunk[..CHUNK], [0; CHUNK]);
    }
}
