//! Loads, stores, atomics and address spaces.

use crate::device::{kernel, one_thread, run, try_run};
use pipe_simt::{GlobalMemory, LaunchConfig, Options, Program, launch};

#[test]
fn narrow_loads_extend() {
    let body = "
        mov.u32 %r1, 0x8081ff7f;
        st.global.u32 [%out], %r1;
        ld.global.u8 %r2, [%out+1]; st.global.u32 [%out+4], %r2;
        ld.global.s8 %r3, [%out+1]; st.global.u32 [%out+8], %r3;
        ld.global.s16 %r4, [%out+2]; st.global.u32 [%out+12], %r4;
        ld.global.s8 %rd1, [%out+3]; st.global.u64 [%out+16], %rd1;
        st.global.u8 [%out], 1; st.global.u16 [%out+2], 2;
        ret;";
    assert_eq!(one_thread(body, 6), [0x0002_ff01, 0xff, u32::MAX, 0xffff_8081, 0xffff_ff80, u32::MAX]);
}

#[test]
fn generic_addresses_reach_every_space() {
    let body = "
        .shared .align 8 .b64 s[2];
        .local .align 8 .b64 l[2];
        mov.u64 %rd1, s; cvta.shared.u64 %rd2, %rd1;
        mov.u64 %rd3, l; cvta.local.u64 %rd4, %rd3;
        st.u32 [%rd2+8], 11;
        st.u32 [%rd4+8], 22;
        ld.shared.u32 %r1, [s+8];
        ld.local.u32 %r2, [l+8];
        st.u32 [%out], %r1;
        st.global.u32 [%out+4], %r2;
        isspacep.shared %p1, %rd2; selp.u32 %r3, 1, 0, %p1;
        isspacep.local %p2, %rd2; selp.u32 %r4, 1, 0, %p2;
        isspacep.global %p3, %out; selp.u32 %r5, 1, 0, %p3;
        st.global.v2.u32 [%out+8], {%r3, %r4};
        st.global.u32 [%out+16], %r5;
        cvta.to.shared.u64 %rd5, %rd2; sub.u64 %rd5, %rd5, %rd1; cvt.u32.u64 %r6, %rd5;
        st.global.u32 [%out+20], %r6;
        ret;";
    assert_eq!(one_thread(body, 6), [11, 22, 1, 0, 1, 0]);
}

#[test]
fn local_memory_is_a_threads_own() {
    let outcome = run(
        "
        .local .align 4 .b32 l[4];
        st.local.u32 [l+4], %i;
        ld.local.u32 %r1, [l+4];
        st.global.u32 [%o], %r1;
        ret;",
        40,
        &[],
    );
    assert_eq!(outcome.out, (0..40).collect::<Vec<u32>>());
}

#[test]
fn lanes_of_diverged_generic_addresses_go_their_ways() {
    let outcome = run(
        "
        .shared .align 4 .b32 s[32];
        mov.u64 %rd1, s; cvta.shared.u64 %rd2, %rd1;
        mad.wide.u32 %rd2, %i, 4, %rd2;
        add.u32 %r1, %i, 1000;
        st.u32 [%rd2], %r1;
        mad.wide.u32 %rd3, %i, 4, %in;
        and.b32 %r2, %i, 1; setp.eq.u32 %p1, %r2, 0;
        selp.b64 %rd4, %rd2, %rd3, %p1;
        ld.u32 %r3, [%rd4];
        st.u32 [%o], %r3;
        ret;",
        32,
        &(0..32).map(|i| i * 10).collect::<Vec<u32>>(),
    );
    let expected: Vec<u32> = (0..32).map(|i| if i % 2 == 0 { i + 1000 } else { i * 10 }).collect();
    assert_eq!(outcome.out, expected);
}

#[test]
fn atomics_add_up_over_blocks() {
    let text = kernel(
        "
        .shared .b32 s;
        setp.eq.u32 %p1, %i, 0;
        @%p1 st.shared.u32 [s], 0;
        bar.sync 0;
        atom.shared.add.u32 %r1, [s], 1;
        bar.sync 0;
        ld.shared.u32 %r2, [s];
        @%p1 red.global.add.u32 [%out], %r2;
        atom.global.max.u32 %r3, [%out+4], %i;
        atom.global.add.f32 %f1, [%out+8], 0f3F800000;
        atom.global.cas.b32 %r4, [%out+12], 0, 77;
        atom.global.inc.u32 %r5, [%out+16], 6;
        ret;",
    );
    let outcome = try_run(&text, 9, 64, 5, &[], &Options::default()).unwrap();
    let inc = 9 * 64 % 7;
    assert_eq!(outcome.out, [9 * 64, 63, (9.0f32 * 64.0).to_bits(), 77, inc]);
}

#[test]
fn module_variables_have_their_values_and_addresses() {
    let text = "\
.version 8.3
.target sm_80
.address_size 64
.global .align 4 .u32 table[4] = {10, 20, 30};
.global .u64 pointer = table+4;
.const .align 8 .f64 pi = 3.5;
.global .align 4 .b32 grid[2][2] = {{1, 2}, {3, 4}};
.entry k(.param .u64 out) {
  .reg .b64 %rd<8>; .reg .b32 %r<8>; .reg .f64 %d<2>;
  ld.param.u64 %rd1, [out];
  ld.global.u64 %rd2, [pointer];
  ld.global.u32 %r1, [%rd2+4]; st.global.u32 [%rd1], %r1;
  ld.const.f64 %d1, [pi]; st.global.f64 [%rd1+8], %d1;
  mov.u64 %rd3, grid; ld.u32 %r2, [%rd3+8]; st.global.u32 [%rd1+4], %r2;
  ret;
}
";
    let program = Program::load(text).unwrap();
    let memory = GlobalMemory::new(1 << 20).unwrap();
    let mut instance = program.instantiate(&memory).unwrap();
    let (address, bytes) = instance.symbol("table").unwrap();
    assert_eq!(bytes, 16);
    let out = memory.allocate(16).unwrap();
    let params = out.to_le_bytes();
    let config = LaunchConfig { grid: [1; 3], block: [1; 3], dynamic_shared_bytes: 0, params: &params };
    launch(&instance, program.kernel("k").unwrap(), &config, &memory, &Options::default()).unwrap();
    let mut bytes = [0; 16];
    memory.copy_out(out, &mut bytes).unwrap();
    assert_eq!(bytes[..8], [30, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(bytes[8..], 3.5f64.to_le_bytes());
    instance.release(&memory);
    assert!(memory.allocation(address).is_none());
}
