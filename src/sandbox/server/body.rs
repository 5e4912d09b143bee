//! The body of an answer: some bytes, and perhaps a long filler that is never held in memory, or an end
//! that never comes.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::NoAnswer;

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
    /// How many bytes are promised beyond those that are sent.
    unsent: u64,
    /// What happens after a body that is less than what was promised.
    ending: Ending,
    /// Whether what was sent has had time to leave before the connection is closed.
    has_paused: bool,
}

/// How a body ends that is less than what was promised.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    /// The connection stays open, and nothing more comes.
    Stalls,
    /// The connection is closed.
    Closes,
}

impl AnswerBody {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            whole: bytes.into(),
            filler_left: 0,
            unsent: 0,
            ending: Ending::Closes,
            has_paused: false,
        }
    }

    /// So many bytes that begin like a list of sessions.
    pub(super) fn filler(length: u64) -> Self {
        let head = HEAD.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        Self { filler_left: length - head as u64, ..Self::whole(Bytes::from_static(&HEAD[..head])) }
    }

    /// The first half.
    pub(super) fn cut(self) -> Self {
        let half = self.whole.len() / 2;
        Self::whole(self.whole.slice(..half))
    }

    /// The first half, under the promise of the whole.
    pub(super) fn broken(self, ending: Ending) -> Self {
        let unsent = (self.whole.len() - self.whole.len() / 2) as u64;
        Self { unsent, ending, ..self.cut() }
    }

    /// The bytes of a body without filler.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.whole
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = NoAnswer;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if !self.whole.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.whole)))));
        }
        if self.filler_left == 0 {
            return match self.ending {
                _ if self.unsent == 0 => Poll::Ready(None),
                Ending::Stalls => Poll::Pending,
                // Hyper writes what it holds when a body pauses, and not when it fails.
                Ending::Closes if !self.has_paused => {
                    self.has_paused = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Ending::Closes => Poll::Ready(Some(Err(NoAnswer::Closed))),
            };
        }
        let length = CHUNK_LENGTH.min(usize::try_from(self.filler_left).unwrap_or(CHUNK_LENGTH));
        self.filler_left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&CHUNK[..length])))))
    }

    fn is_end_stream(&self) -> bool {
        self.whole.is_empty() && self.filler_left == 0 && self.unsent == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole.len() as u64 + self.filler_left + self.unsent)
    }
}
