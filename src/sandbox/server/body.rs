//! The body of an answer: some bytes, and perhaps a long filler that is never held in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

const HEAD: &[u8] = br#"{"sessions":["#;
const PATTERN: &[u8; 32] = br#"{"sessionId":"FILLER-FILLER-0"},"#;
const CHUNK_LENGTH: usize = 64 * 1024;

static CHUNK: [u8; CHUNK_LENGTH] = {
    let mut chunk = [0; CHUNK_LENGTH];
    let mut index = 0;
    while index < CHUNK_LENGTH {
        chunk[index] = PATTERN[index % PATTERN.len()];
        index += 1;
    }
    chunk
};

pub(super) struct AnswerBody {
    whole: Bytes,
    filler_left: u64,
}

impl AnswerBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { whole: bytes.into(), filler_left: 0 }
    }

    /// So many bytes that begin like a list of sessions.
    pub(super) fn filler(length: u64) -> Self {
        let head = HEAD.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        Self { whole: Bytes::from_static(&HEAD[..head]), filler_left: length - head as u64 }
    }

    /// The first half.
    pub(super) fn cut(self) -> Self {
        let half = self.whole.len() / 2;
        Self { whole: self.whole.slice(..half), filler_left: 0 }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if !self.whole.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.whole)))));
        }
        if self.filler_left == 0 {
            return Poll::Ready(None);
        }
        let length = CHUNK_LENGTH.min(usize::try_from(self.filler_left).unwrap_or(CHUNK_LENGTH));
        self.filler_left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK[..length])))))
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_empty() && self.filler_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole.len() as u64 + self.filler_left)
    }
}
