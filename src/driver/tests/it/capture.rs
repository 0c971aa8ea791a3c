//! Stream capture: what was called becomes a graph, which does it as often as it is launched.

use cust::memory::{CopyDestination, DeviceBuffer};
use cust::module::Module;
use cust::stream::{Stream, StreamFlags};
use cust::sys::{self, CUresult};

use crate::on_embedded;

const PTX: &str = include_str!("kernels.ptx");

unsafe extern "C" {
    fn cuStreamBeginCapture_v2(stream: sys::CUstream, mode: u32) -> CUresult;
    fn cuStreamEndCapture(stream: sys::CUstream, graph: *mut sys::CUgraph) -> CUresult;
    fn cuStreamIsCapturing(stream: sys::CUstream, status: *mut u32) -> CUresult;
    fn cuGraphInstantiateWithFlags(
        executable: *mut sys::CUgraphExec,
        graph: sys::CUgraph,
        flags: u64,
    ) -> CUresult;
}

const OK: CUresult = CUresult::CUDA_SUCCESS;

fn stream() -> Stream {
    Stream::new(StreamFlags::NON_BLOCKING, None).unwrap()
}

fn end(stream: &Stream) -> Result<sys::CUgraph, CUresult> {
    let mut graph = std::ptr::null_mut();
    match unsafe { cuStreamEndCapture(stream.as_inner(), &raw mut graph) } {
        OK => Ok(graph),
        error => Err(error),
    }
}

fn status(stream: &Stream) -> u32 {
    let mut status = 9;
    assert_eq!(unsafe { cuStreamIsCapturing(stream.as_inner(), &raw mut status) }, OK);
    status
}

#[test]
fn what_two_streams_capture_is_launched_again_and_again() {
    on_embedded("capture::what_two_streams_capture_is_launched_again_and_again", 1, || {
        let _context = cust::quick_init().unwrap();
        let module = Module::from_ptx(PTX, &[]).unwrap();
        let saxpy = module.get_function("saxpy").unwrap();
        let [first, second] = [stream(), stream()];
        let x = DeviceBuffer::from_slice(&[1f32; 8]).unwrap();
        let y = DeviceBuffer::from_slice(&[0f32; 8]).unwrap();
        let mut back = [0f32; 8];
        let count = |graph| {
            let mut count = 0;
            assert_eq!(unsafe { sys::cuGraphGetNodes(graph, std::ptr::null_mut(), &raw mut count) }, OK);
            count
        };
        let (mut fork, mut join) = (std::ptr::null_mut(), std::ptr::null_mut());
        unsafe {
            assert_eq!(sys::cuEventCreate(&raw mut fork, 0), OK);
            assert_eq!(sys::cuEventCreate(&raw mut join, 0), OK);
            assert_eq!(cuStreamBeginCapture_v2(first.as_inner(), 0), OK);
            assert_eq!((status(&first), status(&second)), (1, 0));
            let (a, n) = (2f32, 8u32);
            cust::launch!(saxpy<<<1, 32, 0, first>>>(a, n, x.as_device_ptr(), y.as_device_ptr())).unwrap();
            assert_eq!(sys::cuEventRecord(fork, first.as_inner()), OK);
            assert_eq!(sys::cuStreamWaitEvent(second.as_inner(), fork, 0), OK);
            assert_eq!(status(&second), 1);
            cust::launch!(saxpy<<<1, 32, 0, second>>>(a, n, x.as_device_ptr(), y.as_device_ptr())).unwrap();
            assert_eq!(sys::cuEventRecord(join, second.as_inner()), OK);
            assert_eq!(sys::cuStreamWaitEvent(first.as_inner(), join, 0), OK);
            let (to, from) = (back.as_mut_ptr().cast(), y.as_device_ptr().as_raw());
            assert_eq!(sys::cuMemcpyDtoHAsync_v2(to, from, 32, first.as_inner()), OK);
            let graph = end(&first).unwrap();
            assert_eq!((status(&first), status(&second), count(graph)), (0, 0, 3));
            assert_eq!(back, [0.0; 8], "nothing ran yet");

            let mut executable = std::ptr::null_mut();
            assert_eq!(cuGraphInstantiateWithFlags(&raw mut executable, graph, 0), OK);
            for round in 1..4u8 {
                assert_eq!(sys::cuGraphLaunch(executable, first.as_inner()), OK);
                first.synchronize().unwrap();
                assert_eq!(back, [4.0 * f32::from(round); 8]);
            }
            // The capture is over, and so is what the event was part of.
            assert_eq!(
                sys::cuStreamWaitEvent(second.as_inner(), join, 0),
                CUresult::CUDA_ERROR_CAPTURED_EVENT
            );
        }
        let mut now = [0f32; 8];
        y.copy_to(&mut now).unwrap();
        assert_eq!(now, [12.0; 8]);
    });
}

#[test]
fn captures_fail_as_cuda_says() {
    on_embedded("capture::captures_fail_as_cuda_says", 1, || {
        let _context = cust::quick_init().unwrap();
        let [first, second] = [stream(), stream()];
        let y = DeviceBuffer::from_slice(&[0f32; 8]).unwrap();
        let fill = |stream: &Stream| unsafe {
            sys::cuMemsetD32Async(y.as_device_ptr().as_raw(), 7, 8, stream.as_inner())
        };
        let mut event = std::ptr::null_mut();
        unsafe {
            assert_eq!(sys::cuEventCreate(&raw mut event, 0), OK);
            let begin = |stream: &Stream| cuStreamBeginCapture_v2(stream.as_inner(), 0);
            assert_eq!(
                cuStreamBeginCapture_v2(std::ptr::null_mut(), 0),
                CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
            );
            assert_eq!(end(&first), Err(CUresult::CUDA_ERROR_ILLEGAL_STATE));

            // Who waits for a capture's result breaks it.
            assert_eq!(begin(&first), OK);
            assert_eq!(begin(&first), CUresult::CUDA_ERROR_ILLEGAL_STATE);
            assert_eq!(
                sys::cuStreamSynchronize(first.as_inner()),
                CUresult::CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
            );
            assert_eq!(status(&first), 2);
            assert_eq!(fill(&first), CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
            assert_eq!(end(&first), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_INVALIDATED));
            first.synchronize().unwrap();

            // What another stream did has to be waited for.
            assert_eq!(begin(&first), OK);
            assert_eq!(sys::cuEventRecord(event, first.as_inner()), OK);
            assert_eq!(sys::cuStreamWaitEvent(second.as_inner(), event, 0), OK);
            assert_eq!(fill(&second), OK);
            assert_eq!(end(&second), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_UNMATCHED));
            assert_eq!(end(&first), Err(CUresult::CUDA_ERROR_STREAM_CAPTURE_UNJOINED));

            // Work outside comes before no work inside.
            assert_eq!(sys::cuEventRecord(event, second.as_inner()), OK);
            assert_eq!(begin(&first), OK);
            assert_eq!(
                sys::cuStreamWaitEvent(first.as_inner(), event, 0),
                CUresult::CUDA_ERROR_STREAM_CAPTURE_ISOLATION
            );
            let graph = end(&first).unwrap();
            assert_eq!(sys::cuGraphDestroy(graph), OK);
        }
    });
}
