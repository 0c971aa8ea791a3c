//! Memory of devices and page-locked memory of the host.

use std::alloc::{alloc_zeroed, dealloc};
use std::ffi::{c_uint, c_void};

use super::capture::submit;
use super::unified::{MAPPED_FLAGS, allocate_mapped, free_mapped};
use super::{Out, bytes_at, bytes_at_mut, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::device::MAX_PITCH;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::graph::Work;
use crate::embedded::host::HostMemory;
use crate::embedded::unified::Unified;

pub(crate) unsafe fn cuMemGetInfo_v2(driver: &Driver, free: *mut usize, total: *mut usize) -> Answer {
    // SAFETY: as the module demands.
    let (free, total) = unsafe { (Out::new(free)?, Out::new(total)?) };
    let info = driver.memory_info()?;
    free.set(info.0)?;
    total.set(info.1)
}

pub(crate) unsafe fn cuMemAlloc_v2(driver: &Driver, address: *mut CUdeviceptr, bytes: usize) -> Answer {
    // SAFETY: as the module demands.
    let address = unsafe { Out::new(address) }?;
    address.set(driver.allocate(bytes)?)
}

pub(crate) unsafe fn cuMemAllocAsync(
    driver: &Driver,
    address: *mut CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    // SAFETY: as the module demands.
    let address = unsafe { Out::new(address) }?;
    address.set(driver.allocate_from(None, bytes, stream)?)
}

pub(crate) unsafe fn cuMemAllocPitch_v2(
    driver: &Driver,
    address: *mut CUdeviceptr,
    pitch: *mut usize,
    width: usize,
    height: usize,
    element_bytes: c_uint,
) -> Answer {
    // SAFETY: as the module demands.
    let (address, pitch) = unsafe { (Out::new(address)?, Out::new(pitch)?) };
    if ![4, 8, 16].contains(&element_bytes) {
        return Err(Failure::invalid_value(format!("elements have 4, 8 or 16 bytes, not {element_bytes}")));
    }
    let allocation = driver.allocate_pitched(width, height)?;
    address.set(allocation.0)?;
    pitch.set(allocation.1)
}

pub(crate) unsafe fn cuMemFree_v2(driver: &Driver, address: CUdeviceptr) -> Answer {
    driver.free(address)
}

pub(crate) unsafe fn cuMemFreeAsync(driver: &Driver, address: CUdeviceptr, stream: CUstream) -> Answer {
    driver.free_on(address, stream)
}

pub(crate) unsafe fn cuMemGetAddressRange_v2(
    driver: &Driver,
    base: *mut CUdeviceptr,
    bytes: *mut usize,
    address: CUdeviceptr,
) -> Answer {
    // SAFETY: as the module demands; either pointer may be null.
    let (base, bytes) = unsafe { (Out::optional(base), Out::optional(bytes)) };
    let allocation = driver.allocation_at(address)?;
    base.map_or(Ok(()), |out| out.set(allocation.0))?;
    bytes.map_or(Ok(()), |out| out.set(allocation.1))
}

pub(crate) unsafe fn cuMemAllocHost_v2(driver: &Driver, host: *mut *mut c_void, bytes: usize) -> Answer {
    // SAFETY: as the module demands.
    let host = unsafe { Out::new(host) }?;
    driver.context()?;
    let layout = HostMemory::layout(bytes)?;
    // SAFETY: the layout has a size, `HostMemory::layout` sees to that.
    let allocation = unsafe { alloc_zeroed(layout) };
    if allocation.is_null() {
        return Err(HostMemory::exhausted(bytes));
    }
    driver.host.add(allocation.addr(), layout);
    host.set(allocation.cast())
}

pub(crate) unsafe fn cuMemHostAlloc(
    driver: &Driver,
    host: *mut *mut c_void,
    bytes: usize,
    flags: c_uint,
) -> Answer {
    // CU_MEMHOSTALLOC_PORTABLE, _DEVICEMAP, _WRITECOMBINED.
    if flags & !0x7 != 0 {
        return Err(Failure::invalid_value(format!("host allocation flags {flags:#x} are not known")));
    }
    // SAFETY: as the module demands.
    unsafe {
        match flags & 0x2 {
            0 => cuMemAllocHost_v2(driver, host, bytes),
            _ => allocate_mapped(driver, Out::new(host)?, bytes),
        }
    }
}

pub(crate) unsafe fn cuMemHostGetFlags(driver: &Driver, flags: *mut c_uint, host: *mut c_void) -> Answer {
    // SAFETY: as the module demands.
    let flags = unsafe { Out::new(flags) }?;
    driver.context()?;
    let mapped = driver.allocation_at(host.addr() as CUdeviceptr).ok();
    if mapped.is_some_and(|(start, _)| driver.unified_at(start) == Some(Unified::Host)) {
        return flags.set(MAPPED_FLAGS);
    }
    driver.host.allocation(host.addr())?;
    // CU_MEMHOSTALLOC_PORTABLE: every context can copy from it and to it.
    flags.set(0x1)
}

pub(crate) unsafe fn cuMemFreeHost(driver: &Driver, host: *mut c_void) -> Answer {
    driver.context()?;
    if free_mapped(driver, host)? {
        return Ok(());
    }
    let layout = driver.host.take(host.addr())?;
    // SAFETY: the address was in the table, so `alloc_zeroed` gave it out with this layout, and it was not
    // freed since.
    unsafe { dealloc(host.cast(), layout) };
    Ok(())
}

pub(crate) unsafe fn cuMemHostRegister_v2(
    driver: &Driver,
    host: *mut c_void,
    bytes: usize,
    flags: c_uint,
) -> Answer {
    driver.context()?;
    // CU_MEMHOSTREGISTER_PORTABLE, _DEVICEMAP, _IOMEMORY, _READ_ONLY.
    if flags & !0xf != 0 {
        return Err(Failure::invalid_value(format!("host registration flags {flags:#x} are not known")));
    }
    if flags & 0x6 != 0 {
        return Err(Failure::not_supported(
            "host memory that kernels can use (CU_MEMHOSTREGISTER_DEVICEMAP)",
        ));
    }
    driver.host.register(host.addr(), bytes)
}

pub(crate) unsafe fn cuMemHostUnregister(driver: &Driver, host: *mut c_void) -> Answer {
    driver.context()?;
    driver.host.unregister(host.addr())
}

pub(crate) unsafe fn cuMemcpyHtoD_v2(
    driver: &Driver,
    to: CUdeviceptr,
    from: *const c_void,
    bytes: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuMemcpyHtoDAsync_v2(driver, to, from, bytes, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpyHtoDAsync_v2(
    driver: &Driver,
    to: CUdeviceptr,
    from: *const c_void,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    // SAFETY: as the module demands.
    let source = unsafe { bytes_at(from, bytes) }?;
    let work = || Ok(row_work(Place::Device(to), Place::Host(from.cast_mut()), bytes));
    submit(driver, stream, work, || driver.enqueue(stream, |_, _| driver.copy_in(to, source)))
}

pub(crate) unsafe fn cuMemcpyDtoH_v2(
    driver: &Driver,
    to: *mut c_void,
    from: CUdeviceptr,
    bytes: usize,
) -> Answer {
    driver.flush_prints();
    // SAFETY: as the module demands.
    unsafe { cuMemcpyDtoHAsync_v2(driver, to, from, bytes, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpyDtoHAsync_v2(
    driver: &Driver,
    to: *mut c_void,
    from: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    // SAFETY: as the module demands.
    let target = unsafe { bytes_at_mut(to, bytes) }?;
    let work = || Ok(row_work(Place::Host(to), Place::Device(from), bytes));
    submit(driver, stream, work, || driver.enqueue(stream, |_, _| driver.copy_out(target, from)))
}

pub(crate) unsafe fn cuMemcpyDtoD_v2(
    driver: &Driver,
    to: CUdeviceptr,
    from: CUdeviceptr,
    bytes: usize,
) -> Answer {
    driver.enqueue(CUstream::NULL, |_, _| driver.copy(to, from, bytes))
}

pub(crate) unsafe fn cuMemcpyDtoDAsync_v2(
    driver: &Driver,
    to: CUdeviceptr,
    from: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    let work = || Ok(row_work(Place::Device(to), Place::Device(from), bytes));
    submit(driver, stream, work, || driver.enqueue(stream, |_, _| driver.copy(to, from, bytes)))
}

pub(crate) unsafe fn cuMemcpyPeer(
    driver: &Driver,
    to: CUdeviceptr,
    to_context: CUcontext,
    from: CUdeviceptr,
    from_context: CUcontext,
    bytes: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuMemcpyPeerAsync(driver, to, to_context, from, from_context, bytes, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpyPeerAsync(
    driver: &Driver,
    to: CUdeviceptr,
    to_context: CUcontext,
    from: CUdeviceptr,
    from_context: CUcontext,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    for (address, context) in [(to, to_context), (from, from_context)] {
        let context = driver.named_context(context)?;
        context.check()?;
        if driver.device_at(address)?.ordinal != context.device {
            return Err(Failure::invalid_value(format!(
                "{address:#x} is no address of device {}, whose context it was given with",
                context.device
            )));
        }
    }
    driver.enqueue(stream, |_, _| driver.copy(to, from, bytes))
}

pub(crate) unsafe fn cuMemcpy(driver: &Driver, to: CUdeviceptr, from: CUdeviceptr, bytes: usize) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuMemcpyAsync(driver, to, from, bytes, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpyAsync(
    driver: &Driver,
    to: CUdeviceptr,
    from: CUdeviceptr,
    bytes: usize,
    stream: CUstream,
) -> Answer {
    let (to, from) = (Place::of(driver, to), Place::of(driver, from));
    // SAFETY: the caller vouches for both ranges, of whichever memory they are.
    let now = || driver.enqueue(stream, |_, _| unsafe { copy_row(driver, to, from, bytes) });
    submit(driver, stream, || Ok(row_work(to, from, bytes)), now)
}

pub(crate) unsafe fn cuMemcpy2D_v2(driver: &Driver, copy: *const Memcpy2d) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuMemcpy2DAsync_v2(driver, copy, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpy2DUnaligned_v2(driver: &Driver, copy: *const Memcpy2d) -> Answer {
    // SAFETY: as the module demands. No alignment is asked of the other one either.
    unsafe { cuMemcpy2D_v2(driver, copy) }
}

pub(crate) unsafe fn cuMemcpy2DAsync_v2(driver: &Driver, copy: *const Memcpy2d, stream: CUstream) -> Answer {
    if copy.is_null() {
        return Err(null());
    }
    // SAFETY: not null, and otherwise as the module demands.
    let Memcpy2d { source, destination, width, height } = unsafe { copy.read_unaligned() };
    let side = |x, y, memory_type, host, device, pitch| BoxSide {
        x,
        y,
        memory_type,
        host,
        device,
        pitch,
        ..BoxSide::default()
    };
    let (s, d) = (source, destination);
    let copy = Memcpy3d {
        source: side(s.x, s.y, s.memory_type, s.host.expose_provenance(), s.device, s.pitch),
        destination: side(d.x, d.y, d.memory_type, d.host.expose_provenance(), d.device, d.pitch),
        width,
        height,
        depth: 1,
    };
    // SAFETY: the caller vouches for every row of the host ranges that it names.
    let now = || driver.enqueue(stream, |_, _| unsafe { copy_box(driver, &copy) });
    submit(driver, stream, || Ok(Work::Copy(copy)), now)
}

pub(crate) unsafe fn cuMemcpy3D_v2(driver: &Driver, copy: *const Memcpy3d) -> Answer {
    // SAFETY: as the module demands.
    unsafe { cuMemcpy3DAsync_v2(driver, copy, CUstream::NULL) }
}

pub(crate) unsafe fn cuMemcpy3DAsync_v2(driver: &Driver, copy: *const Memcpy3d, stream: CUstream) -> Answer {
    if copy.is_null() {
        return Err(null());
    }
    // SAFETY: not null, and otherwise as the module demands.
    let copy = unsafe { copy.read_unaligned() };
    // SAFETY: the caller vouches for every row of the host ranges that it names.
    let now = || driver.enqueue(stream, |_, _| unsafe { copy_box(driver, &copy) });
    submit(driver, stream, || Ok(Work::Copy(copy)), now)
}

/// Copies a box, row by row.
///
/// # Safety
///
/// Every row of the host ranges that the copy names can be read, or written.
pub(super) unsafe fn copy_box(driver: &Driver, copy: &Memcpy3d) -> Answer {
    let from = Rows::new(driver, &copy.source, copy.width)?;
    let to = Rows::new(driver, &copy.destination, copy.width)?;
    for slice in 0..copy.depth {
        for row in 0..copy.height {
            // SAFETY: as this function demands.
            unsafe { copy_row(driver, to.row(slice, row)?, from.row(slice, row)?, copy.width) }?;
        }
    }
    Ok(())
}

/// Copies bytes that lie in a row.
///
/// # Safety
///
/// Places of the host can be read, or written, for so many bytes.
unsafe fn copy_row(driver: &Driver, to: Place, from: Place, bytes: usize) -> Answer {
    // SAFETY: as this function demands.
    unsafe {
        match (from, to) {
            (Place::Device(from), Place::Device(to)) => driver.copy(to, from, bytes),
            (Place::Host(from), Place::Device(to)) => driver.copy_in(to, bytes_at(from, bytes)?),
            (Place::Device(from), Place::Host(to)) => driver.copy_out(bytes_at_mut(to, bytes)?, from),
            (Place::Host(from), Place::Host(to)) => {
                if bytes > 0 && (from.is_null() || to.is_null()) {
                    return Err(null());
                }
                std::ptr::copy(from.cast::<u8>(), to.cast::<u8>(), bytes);
                Ok(())
            }
        }
    }
}

/// A copy of bytes that lie in a row, as a node keeps it.
fn row_work(to: Place, from: Place, bytes: usize) -> Work {
    let side = |place| match place {
        Place::Host(host) => {
            BoxSide { memory_type: MEMORYTYPE_HOST, host: host.expose_provenance(), ..BoxSide::default() }
        }
        Place::Device(device) => BoxSide { memory_type: MEMORYTYPE_DEVICE, device, ..BoxSide::default() },
    };
    Work::Copy(Memcpy3d { source: side(from), destination: side(to), width: bytes, height: 1, depth: 1 })
}

/// Where bytes are.
#[derive(Clone, Copy)]
enum Place {
    Host(*mut c_void),
    Device(CUdeviceptr),
}

/// One side of a copy of rows.
struct Rows {
    start: Place,
    pitch: usize,
    slice_rows: usize,
}

impl Rows {
    fn new(driver: &Driver, side: &BoxSide, width: usize) -> Answer<Self> {
        let start = match side.memory_type {
            MEMORYTYPE_HOST => Place::Host(std::ptr::with_exposed_provenance_mut(side.host)),
            MEMORYTYPE_DEVICE => Place::Device(side.device),
            MEMORYTYPE_UNIFIED => Place::of(driver, side.device),
            MEMORYTYPE_ARRAY => return Err(Failure::not_supported("arrays")),
            unknown => return Err(Failure::invalid_value(format!("memory type {unknown} is not known"))),
        };
        // A pitch of 0 is for copies of one row's layout: rows follow each other.
        let pitch = if side.pitch == 0 { width } else { side.pitch };
        if pitch > MAX_PITCH || side.x.checked_add(width).is_none_or(|end| end > pitch) {
            return Err(Failure::invalid_value(format!(
                "{width} bytes from byte {} do not fit a pitch of {pitch}",
                side.x
            )));
        }
        let rows = Self { start, pitch, slice_rows: side.height };
        let start = rows.row(side.z, side.y)?.plus(side.x);
        Ok(Self { start, ..rows })
    }

    fn row(&self, slice: usize, row: usize) -> Answer<Place> {
        let offset = slice.checked_mul(self.slice_rows).and_then(|rows| rows.checked_add(row));
        let offset = offset.and_then(|rows| rows.checked_mul(self.pitch));
        let offset =
            offset.ok_or_else(|| Failure::invalid_value(format!("row {row} is beyond all memory")))?;
        Ok(self.start.plus(offset))
    }
}

impl Place {
    /// The place of an address that may be of either memory: those of devices are no host's.
    fn of(driver: &Driver, address: CUdeviceptr) -> Self {
        match driver.device_at(address) {
            Ok(_) => Self::Device(address),
            Err(_) => Self::Host(std::ptr::with_exposed_provenance_mut(address as usize)),
        }
    }

    fn plus(self, bytes: usize) -> Self {
        match self {
            Self::Host(address) => Self::Host(address.wrapping_byte_add(bytes)),
            Self::Device(address) => Self::Device(address.wrapping_add(bytes as u64)),
        }
    }
}

/// Fills rows with a value.
pub(super) fn fill_rows(driver: &Driver, fill: &MemsetNodeParams) -> Answer {
    let value = fill.value.to_ne_bytes();
    // The value's low bytes come first: the devices are the host.
    let value = &value[..fill.element_bytes as usize];
    for row in 0..fill.height as u64 {
        let to = row.checked_mul(fill.pitch as u64).and_then(|offset| fill.to.checked_add(offset));
        let to = to.ok_or_else(|| Failure::invalid_value(format!("row {row} is beyond all memory")))?;
        driver.fill(to, value, fill.width)?;
    }
    Ok(())
}

/// The fills differ in the width of the value, in the stream and in whether there are rows.
macro_rules! fills {
    ($($name:ident, $async_name:ident, $rows_name:ident, $async_rows_name:ident: $value:ty;)*) => {$(
        pub(crate) unsafe fn $name(driver: &Driver, to: CUdeviceptr, value: $value, count: usize) -> Answer {
            driver.enqueue(CUstream::NULL, |_, _| driver.fill(to, &value.to_ne_bytes(), count))
        }

        pub(crate) unsafe fn $async_name(
            driver: &Driver,
            to: CUdeviceptr,
            value: $value,
            count: usize,
            stream: CUstream,
        ) -> Answer {
            let element_bytes = size_of::<$value>() as c_uint;
            let fill =
                MemsetNodeParams { to, pitch: 0, value: value.into(), element_bytes, width: count, height: 1 };
            let now = || driver.enqueue(stream, |_, _| driver.fill(to, &value.to_ne_bytes(), count));
            submit(driver, stream, || Ok(Work::Fill(fill)), now)
        }

        pub(crate) unsafe fn $rows_name(
            driver: &Driver,
            to: CUdeviceptr,
            pitch: usize,
            value: $value,
            width: usize,
            height: usize,
        ) -> Answer {
            // SAFETY: as the module demands.
            unsafe { $async_rows_name(driver, to, pitch, value, width, height, CUstream::NULL) }
        }

        pub(crate) unsafe fn $async_rows_name(
            driver: &Driver,
            to: CUdeviceptr,
            pitch: usize,
            value: $value,
            width: usize,
            height: usize,
            stream: CUstream,
        ) -> Answer {
            let element_bytes = size_of::<$value>() as c_uint;
            let fill = MemsetNodeParams { to, pitch, value: value.into(), element_bytes, width, height };
            let now = || driver.enqueue(stream, |_, _| fill_rows(driver, &fill));
            submit(driver, stream, || Ok(Work::Fill(fill)), now)
        }
    )*};
}

fills! {
    cuMemsetD8_v2, cuMemsetD8Async, cuMemsetD2D8_v2, cuMemsetD2D8Async: u8;
    cuMemsetD16_v2, cuMemsetD16Async, cuMemsetD2D16_v2, cuMemsetD2D16Async: u16;
    cuMemsetD32_v2, cuMemsetD32Async, cuMemsetD2D32_v2, cuMemsetD2D32Async: u32;
}
