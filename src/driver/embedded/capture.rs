//! Stream capture: calls on a stream become nodes of a graph instead of work.
//!
//! A stream that captures knows the graph and the nodes that its next one comes after. An event recorded in it carries these
//! nodes; a stream that waits for such an event captures, too, from there on. What runs in no capture, since it runs at
//! once, asks [`Driver::refuse_capture`].

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;
use crate::embedded::stream::Stream;
use crate::embedded::table::lock;

/// A capture that a stream takes part in.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    /// The same in all streams of a capture, never given out twice.
    pub(crate) id: u64,
    pub(crate) graph: CUgraph,
    /// Whether it began in this stream.
    origin: bool,
    /// What the stream's next node comes after.
    pub(crate) tail: Vec<CUgraphNode>,
    /// Whether a call failed that cannot be captured.
    pub(crate) broken: bool,
}

impl Driver {
    /// Begins a capture in a stream.
    pub(crate) fn begin_capture(&self, handle: CUstream, mode: u32) -> Answer {
        if mode > 2 {
            return Err(Failure::invalid_value(format!("capture mode {mode} is not known")));
        }
        let (context, stream) = self.stream(handle)?;
        if std::sync::Arc::ptr_eq(&stream, &context.default_stream) {
            return Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                "the default stream cannot capture; use a stream of your own",
            ));
        }
        let mut capture = lock(&stream.capture);
        if capture.is_some() {
            return Err(Failure::new(CUDA_ERROR_ILLEGAL_STATE, "the stream captures already"));
        }
        let (id, graph) = (self.numbers.next() as u64, self.create_graph());
        *capture = Some(Capture { id, graph, origin: true, tail: Vec::new(), broken: false });
        Ok(())
    }

    /// Ends a capture in the stream where it began, and gives its graph.
    pub(crate) fn end_capture(&self, handle: CUstream) -> Answer<CUgraph> {
        let (_, stream) = self.stream(handle)?;
        let found = lock(&stream.capture).clone();
        let capture =
            found.ok_or_else(|| Failure::new(CUDA_ERROR_ILLEGAL_STATE, "the stream does not capture"))?;
        if !capture.origin {
            return Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
                "a capture ends in the stream where it began",
            ));
        }
        let mut tails = Vec::new();
        let mut broken = false;
        for stream in
            self.streams.all_if(|stream| lock(&stream.capture).as_ref().is_some_and(|c| c.id == capture.id))
        {
            if let Some(part) = lock(&stream.capture).take() {
                broken |= part.broken;
                tails.extend(part.tail);
            }
        }
        let ended = match broken {
            true => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
                "a call was made while the stream captured that cannot be captured",
            )),
            false => self.check_joined(&capture, &tails),
        };
        if ended.is_err() {
            self.destroy_graph(capture.graph)?;
        }
        ended.map(|()| capture.graph)
    }

    /// Checks that whatever the other streams captured comes before the end of the first.
    fn check_joined(&self, capture: &Capture, tails: &[CUgraphNode]) -> Answer {
        let edges = self.graph_edges(capture.graph)?;
        let mut before = capture.tail.clone();
        let mut next = 0;
        while let Some(node) = before.get(next).copied() {
            next += 1;
            for (from, _) in edges.iter().filter(|(_, to)| *to == node) {
                if !before.contains(from) {
                    before.push(*from);
                }
            }
        }
        match tails.iter().all(|tail| before.contains(tail)) {
            true => Ok(()),
            false => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
                "another stream captured work that the first does not wait for",
            )),
        }
    }

    /// What a stream captures.
    pub(crate) fn capture_of(&self, handle: CUstream) -> Answer<Option<Capture>> {
        let (_, stream) = self.stream(handle)?;
        let capture = lock(&stream.capture).clone();
        Ok(capture)
    }

    /// Adds work to what a stream captures; gives it back where the stream captures nothing.
    pub(crate) fn capture(&self, handle: CUstream, work: impl FnOnce() -> Answer<Work>) -> Answer<bool> {
        let (_, stream) = self.stream(handle)?;
        let mut capture = lock(&stream.capture);
        let Some(capture) = &mut *capture else { return Ok(false) };
        if capture.broken {
            return Err(Failure::new(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture has failed before"));
        }
        capture.tail = vec![self.add_node(capture.graph, &capture.tail, work()?)?];
        Ok(true)
    }

    /// Refuses a call that cannot be captured where a stream captures, which ends that.
    pub(crate) fn refuse_capture(&self, handle: CUstream) -> Answer {
        let (_, stream) = self.stream(handle)?;
        let refused = match &mut *lock(&stream.capture) {
            Some(capture) => {
                capture.broken = true;
                true
            }
            None => false,
        };
        match refused {
            true => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
                "the stream captures, and this call cannot be captured",
            )),
            false => Ok(()),
        }
    }

    /// Has a stream wait for an event: a matter of order where either is part of a capture.
    pub(crate) fn wait_for(&self, handle: CUstream, event: CUevent) -> Answer {
        let event = self.event(event)?;
        let recorded = lock(&event.captured).clone();
        let ended = |recorded: &Capture| {
            let part =
                |stream: &Stream| lock(&stream.capture).as_ref().is_some_and(|part| part.id == recorded.id);
            self.streams.all_if(part).is_empty()
        };
        if recorded.as_ref().is_some_and(ended) {
            return Err(Failure::new(
                CUDA_ERROR_CAPTURED_EVENT,
                "the event was recorded in a capture that has ended; record it again",
            ));
        }
        let (context, stream) = self.stream(handle)?;
        let mut capture = lock(&stream.capture);
        match (&mut *capture, recorded) {
            // The work before a recorded event is done, so there is nothing left to wait for.
            (None, None) => Ok(()),
            (Some(_), None) => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
                "the stream captures and cannot wait for an event that was recorded in no capture",
            )),
            (Some(capture), Some(recorded)) if capture.id == recorded.id => {
                capture.tail.extend(recorded.tail);
                capture.tail.sort_unstable_by_key(|node| node.0);
                capture.tail.dedup();
                Ok(())
            }
            (Some(_), Some(_)) => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_MERGE,
                "the event was recorded in another capture than the stream's",
            )),
            (None, Some(_)) if std::sync::Arc::ptr_eq(&stream, &context.default_stream) => Err(Failure::new(
                CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
                "the default stream cannot take part in a capture",
            )),
            (none, Some(recorded)) => {
                *none = Some(Capture { origin: false, ..recorded });
                Ok(())
            }
        }
    }
}
