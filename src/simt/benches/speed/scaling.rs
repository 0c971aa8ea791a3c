//! How the time of a launch grows with its lanes, warps, blocks and cores.

use crate::{
    device::{Call, Device, bytes, cores},
    timing::{Candidate, in_turns},
};

/// Each thread goes 500 times through a loop of arithmetic on two floats and a word of global memory of its own.
const TEXT: &str = "
    .version 8.0
    .target sm_80
    .address_size 64
    .visible .entry work(.param .u64 data) {
    .reg .pred %p; .reg .b32 %thread, %threads, %block, %steps; .reg .b64 %at, %offset; .reg .f32 %x, %y, %z;
    ld.param.u64 %at, [data];
    mov.u32 %thread, %tid.x;
    mov.u32 %threads, %ntid.x;
    mov.u32 %block, %ctaid.x;
    mad.lo.u32 %thread, %block, %threads, %thread;
    mul.wide.u32 %offset, %thread, 4;
    add.u64 %at, %at, %offset;
    cvt.rn.f32.u32 %x, %thread;
    mov.f32 %y, 0f3F800000;
    mov.u32 %steps, 500;
    LOOP:
    ld.global.f32 %z, [%at];
    fma.rn.f32 %x, %x, %z, %y;
    fma.rn.f32 %y, %y, %z, %x;
    add.f32 %x, %x, %z;
    fma.rn.f32 %y, %y, %z, %x;
    sub.u32 %steps, %steps, 1;
    setp.ne.u32 %p, %steps, 0;
    @%p bra LOOP;
    add.f32 %x, %x, %y;
    st.global.f32 [%at], %x;
    ret;
    }";

/// Seconds of a launch of so many blocks of so many threads on so many cores.
fn time(device: &Device, data: u64, blocks: u32, threads: u32, cores: usize) -> f64 {
    let params = bytes(&[data], |word| word.to_le_bytes());
    let call = Call { kernel: "work", grid: [blocks, 1], block: [threads, 1], params };
    let mut run = || device.launch(&call, cores);
    let candidate = if cores == 1 { Candidate::here(&mut run) } else { Candidate::everywhere(&mut run) };
    let [seconds] = in_turns([candidate]);
    seconds
}

/// Prints the times of a series as multiples of the first.
fn series(what: &str, points: &[u32], mut time: impl FnMut(u32) -> f64) {
    let times: Vec<f64> = points.iter().map(|point| time(*point)).collect();
    let cells = |cells: Vec<String>| cells.iter().map(|cell| format!("{cell:>8}")).collect::<String>();
    println!("  {what:<28}{}", cells(points.iter().map(u32::to_string).collect()));
    println!(
        "  {:<28}{}",
        "time, x the first",
        cells(times.iter().map(|t| format!("{:.2}", t / times[0])).collect())
    );
}

pub(crate) fn main() {
    let device = Device::new(TEXT);
    let data = device.buffer(&vec![0; 4 * 1024 * 64]);
    println!("scaling of a loop of loads and arithmetic");
    series("lanes of one warp", &[1, 2, 4, 8, 16, 31, 32], |lanes| time(&device, data, 1, lanes, 1));
    series("warps of one block", &[1, 2, 4, 8, 16, 32], |warps| time(&device, data, 1, 32 * warps, 1));
    series("blocks of one warp", &[1, 2, 4, 8, 16, 32, 64], |blocks| time(&device, data, blocks, 32, 1));
    let points: Vec<u32> = (0..).map(|power| 1 << power).take_while(|n| *n as usize <= cores()).collect();
    series("cores, 64 blocks of 1024", &points, |cores| time(&device, data, 64, 1024, cores as usize));
}
