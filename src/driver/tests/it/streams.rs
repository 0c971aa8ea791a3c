//! Streams, events and host functions of the embedded device.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cust::error::CudaError;
use cust::event::{Event, EventFlags, EventStatus};
use cust::stream::{Stream, StreamFlags, StreamWaitEventFlags};
use cust::sys::{self, CUresult};

use crate::on_embedded;

#[test]
fn events_measure_time() {
    on_embedded("streams::events_measure_time", 1, || {
        let _context = cust::quick_init().unwrap();
        let stream = Stream::new(StreamFlags::NON_BLOCKING, None).unwrap();
        let [start, end] = [(); 2].map(|()| Event::new(EventFlags::DEFAULT).unwrap());
        assert_eq!(end.elapsed_time_f32(&start), Err(CudaError::InvalidHandle));
        assert_eq!(start.query().unwrap(), EventStatus::Ready);
        start.record(&stream).unwrap();
        stream.add_callback(Box::new(|| std::thread::sleep(Duration::from_millis(5)))).unwrap();
        end.record(&stream).unwrap();
        end.synchronize().unwrap();
        let elapsed = end.elapsed(&start).unwrap();
        assert!(elapsed >= Duration::from_millis(5) && elapsed < Duration::from_secs(5), "{elapsed:?}");
        assert!(start.elapsed_time_f32(&end).unwrap() <= -5.0);

        let untimed = Event::new(EventFlags::DISABLE_TIMING).unwrap();
        untimed.record(&stream).unwrap();
        assert_eq!(untimed.elapsed_time_f32(&start), Err(CudaError::InvalidHandle));
    });
}

#[test]
fn work_is_done_in_order() {
    on_embedded("streams::work_is_done_in_order", 1, || {
        let _context = cust::quick_init().unwrap();
        let [first, second] = [(); 2].map(|()| Stream::new(StreamFlags::DEFAULT, None).unwrap());
        let done = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&done);
        first.add_callback(Box::new(move || seen.store(true, Ordering::SeqCst))).unwrap();
        let event = Event::new(EventFlags::DEFAULT).unwrap();
        event.record(&first).unwrap();
        second.wait_event(event, StreamWaitEventFlags::DEFAULT).unwrap();
        let seen = Arc::clone(&done);
        let right = Arc::new(AtomicBool::new(false));
        let checked = Arc::clone(&right);
        second
            .add_callback(Box::new(move || checked.store(seen.load(Ordering::SeqCst), Ordering::SeqCst)))
            .unwrap();
        second.synchronize().unwrap();
        assert!(right.load(Ordering::SeqCst));
    });
}

#[test]
fn a_stream_waits_for_the_work_of_other_threads() {
    on_embedded("streams::a_stream_waits_for_the_work_of_other_threads", 1, || {
        let context = cust::quick_init().unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let (began, beginning) = std::sync::mpsc::channel();
        let (finish, finished) = std::sync::mpsc::channel::<()>();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                cust::context::CurrentContext::set_current(&context).unwrap();
                let work = move || {
                    began.send(()).unwrap();
                    finished.recv().unwrap();
                };
                stream.add_callback(Box::new(work)).unwrap();
            });
            beginning.recv().unwrap();
            assert_eq!(unsafe { sys::cuStreamQuery(stream.as_inner()) }, CUresult::CUDA_ERROR_NOT_READY);
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                done.store(true, Ordering::SeqCst);
                finish.send(()).unwrap();
            });
            stream.synchronize().unwrap();
            assert!(done.load(Ordering::SeqCst));
        });
        assert_eq!(unsafe { sys::cuStreamQuery(stream.as_inner()) }, CUresult::CUDA_SUCCESS);
    });
}

#[test]
fn streams_keep_what_they_were_made_with() {
    on_embedded("streams::streams_keep_what_they_were_made_with", 1, || {
        let _context = cust::quick_init().unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, Some(-100)).unwrap();
        assert_eq!(stream.get_priority(), Ok(-5));
        assert_eq!(stream.get_flags().unwrap(), StreamFlags::DEFAULT);
        let raw = stream.as_inner();
        Stream::drop(stream).unwrap();
        // A handle that is gone is gone, and so is one of another kind.
        assert_eq!(unsafe { sys::cuStreamDestroy_v2(raw) }, CUresult::CUDA_ERROR_INVALID_HANDLE);
        assert_eq!(unsafe { sys::cuEventDestroy_v2(raw.cast()) }, CUresult::CUDA_ERROR_INVALID_HANDLE);
        // The default stream has handles that nobody made.
        for default in [0, 1, 2] {
            let default = std::ptr::without_provenance_mut(default);
            assert_eq!(unsafe { sys::cuStreamSynchronize(default) }, CUresult::CUDA_SUCCESS);
            assert_eq!(unsafe { sys::cuStreamDestroy_v2(default) }, CUresult::CUDA_ERROR_INVALID_HANDLE);
        }
    });
}

#[test]
fn host_functions_must_not_call_the_driver() {
    on_embedded("streams::host_functions_must_not_call_the_driver", 1, || {
        let _context = cust::quick_init().unwrap();
        let stream = Stream::new(StreamFlags::DEFAULT, None).unwrap();
        let (answers, answer) = std::sync::mpsc::channel();
        stream.add_callback(Box::new(move || answers.send(cust::memory::mem_get_info()).unwrap())).unwrap();
        assert_eq!(answer.recv().unwrap(), Err(CudaError::NotPermitted));
        cust::memory::mem_get_info().unwrap();
    });
}
