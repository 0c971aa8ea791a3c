//! State spaces: every spelling of loads and stores, address conversion, variables, special registers.

use crate::device::{BODY, kernel, run, trap, try_run};
use pipe_simt::{GlobalMemory, LaunchConfig, Options, Program, TrapKind, launch};

#[test]
fn loads_and_stores_have_many_spellings() {
    let loads = [
        "ld.global.u32",
        "ld.weak.global.u32",
        "ld.volatile.global.u32",
        "ld.relaxed.cta.global.u32",
        "ld.acquire.gpu.global.b32",
        "ld.relaxed.sys.u32",
        "ld.acquire.cluster.u32",
        "ld.mmio.relaxed.sys.global.u32",
        "ld.global.ca.u32",
        "ld.global.cg.u32",
        "ld.global.cs.u32",
        "ld.global.lu.u32",
        "ld.global.cv.u32",
        "ld.global.nc.u32",
        "ld.global.ca.nc.u32",
        "ld.global.nc.L1::no_allocate.L2::128B.u32",
        "ld.global.L1::evict_last.u32",
        "ld.weak.global.L1::evict_first.L2::64B.s32",
        "ldu.global.u32",
        "ldu.b32",
        "ld.u32",
    ];
    let stores = [
        "st.global.u32",
        "st.weak.global.u32",
        "st.volatile.global.u32",
        "st.relaxed.gpu.global.u32",
        "st.release.sys.global.b32",
        "st.mmio.relaxed.sys.global.u32",
        "st.global.wb.u32",
        "st.global.cg.u32",
        "st.global.cs.u32",
        "st.global.wt.u32",
        "st.global.L1::no_allocate.u32",
        "st.weak.global.L1::evict_unchanged.s32",
        "st.u32",
    ];
    let mut body = String::new();
    for (i, load) in loads.iter().enumerate() {
        let store = stores[i % stores.len()];
        body += &format!("{load} %r1, [%in+{}]; {store} [%out+{}], %r1;\n", 4 * i, 4 * i);
    }
    body += "
        createpolicy.fractional.L2::evict_last.L2::evict_unchanged.b64 %rd1, 0.5;
        createpolicy.range.global.L2::evict_last.b64 %rd2, [%in], 64, 128;
        ld.global.L2::cache_hint.u32 %r2, [%in+8], %rd1; st.global.L2::cache_hint.u32 [%out+84], %r2, %rd2;
        prefetch.global.L2 [%in]; prefetch.L1 [%in]; prefetchu.L1 [%in]; prefetch.global.L2::evict_last [%in];
        applypriority.global.L2::evict_normal [%in], 128; discard.global.L2 [%in+128], 128;
        ret;";
    let input: Vec<u32> = (100..164).collect();
    let out = try_run(&kernel(&body), 1, 1, 22, &input, &Options::default()).unwrap().out;
    assert_eq!(out[..21], input[..21]);
    assert_eq!(out[21], 102);
}

#[test]
fn vectors_of_up_to_32_bytes() {
    let body = "
        ld.global.v8.b32 {%r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8}, [%in];
        st.global.v8.b32 [%out], {%r8, %r7, %r6, %r5, %r4, %r3, %r2, %r1};
        mov.b64 %rd4, %in;
        ld.global.v4.u64 {%rd4, %rd5, %rd6, _}, [%rd4+32];
        st.global.v2.b64 [%out+32], {%rd6, %rd5}; st.global.b64 [%out+48], %rd4;
        ld.global.v2.u8 {%r9, %r10}, [%in+2]; add.u32 %r9, %r9, %r10; st.global.u32 [%out+56], %r9;
        ld.global.v4.s16 {%r9, _, _, %r10}, [%in+8]; add.u32 %r9, %r9, %r10; st.global.u32 [%out+60], %r9;
        ret;";
    let input: Vec<u32> = (1..17).map(|i| i * 0x0100_0001).collect();
    let outcome = try_run(&kernel(body), 1, 1, 16, &input, &Options::default()).unwrap();
    let reversed: Vec<u32> = input[..8].iter().rev().copied().collect();
    assert_eq!(outcome.out[..8], reversed);
    assert_eq!(outcome.out[8..14], [input[12], input[13], input[10], input[11], input[8], input[9]]);
    assert_eq!(outcome.out[14..], [1, 3 + 0x400]);
    assert_eq!(outcome.counts.instructions, 4 + 13, "a load in halves is one instruction");
    let half = trap("\nld.global.v8.b32 {%r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8}, [%out+16]; ret;", 1, 1);
    assert_eq!((half.kind, half.line), (TrapKind::Misaligned, BODY + 1));
    assert!(half.detail.contains("not a multiple of 32"), "{half}");
}

#[test]
fn every_space_has_its_window() {
    let text = format!(
        ".version 8.3\n.target sm_90\n.address_size 64\n.const .align 4 .b32 table[4] = {{7, 8, 9, 10}};\n.global .b32 g = 5;\n{}",
        kernel(
            "
            .local .align 4 .b32 l; .shared .align 4 .b32 s;
            mov.b64 %rd1, table; cvta.const.u64 %rd2, %rd1;
            mov.b64 %rd3, l; cvta.local.u64 %rd4, %rd3;
            mov.b64 %rd5, s; cvta.shared.u64 %rd6, %rd5;
            mov.b64 %rd7, out; cvta.param.u64 %rd8, %rd7;
            mov.b64 %rd9, g; cvta.global.u64 %rd10, %rd9;
            mov.u32 %r9, 0;
            isspacep.const %p1, %rd2; isspacep.global %p2, %rd2; not.pred %p2, %p2; and.pred %p1, %p1, %p2;
            isspacep.local %p2, %rd4; and.pred %p1, %p1, %p2;
            isspacep.shared::cta %p2, %rd6; and.pred %p1, %p1, %p2;
            isspacep.param %p2, %rd8; and.pred %p1, %p1, %p2;
            isspacep.global %p2, %rd10; and.pred %p1, %p1, %p2;
            isspacep.const %p2, %rd10; not.pred %p2, %p2; and.pred %p1, %p1, %p2;
            selp.u32 %r1, 1, 0, %p1; st.global.u32 [%out], %r1;
            ld.u32 %r2, [%rd2+8]; st.global.u32 [%out+4], %r2;
            ld.b64 %rd11, [%rd8]; st.u32 [%rd11+8], 77;
            cvta.to.param.u64 %rd12, %rd8; ld.param::entry.b64 %rd13, [%rd12+8]; ld.u32 %r3, [%rd13]; st.global.u32 [%out+12], %r3;
            cvta.to.const.u64 %rd14, %rd2; ld.const.v2.u32 {%r4, %r5}, [%rd14+8]; st.global.v2.u32 [%out+16], {%r4, %r5};
            ret;"
        )
        .lines()
        .skip(3)
        .collect::<Vec<_>>()
        .join("\n")
    );
    let out = try_run(&text, 1, 1, 6, &[33], &Options::default()).unwrap().out;
    assert_eq!(out, [1, 9, 77, 33, 9, 10]);
}

#[test]
fn initial_values_of_every_kind() {
    let text = "\
.version 8.3
.target sm_80
.address_size 64
.global .align 4 .f32 floats[3] = {0f3F800000, -2.5, 1.0};
.global .align 8 .f64 doubles[2] = {0d4000000000000000, -0.25};
.global .align 2 .b16 halves[2] = {0x3c00, -1};
.global .align 1 .s8 bytes[2][3] = {{-1, 2}, {3, 4, 5}};
.const .align 4 .u32 numbers[] = {1+2*3, 0xffU, ~0};
.global .align 8 .u64 pointers[3] = {numbers+8, generic(bytes)+3, halves};
.global .align 1 .u8 parts[2] = {0xff(doubles), 0xff00(doubles)};
.visible .entry k(.param .u64 out) {
  .reg .b64 %rd<12>; .reg .b32 %r<12>; .reg .b16 %h<4>; .reg .f32 %f<4>; .reg .f64 %d<4>;
  ld.param.u64 %rd1, [out];
  ld.global.f32 %f1, [floats+4]; st.global.f32 [%rd1], %f1;
  ld.global.f32 %f1, [floats+8]; st.global.f32 [%rd1+4], %f1;
  ld.global.f64 %d1, [doubles+8]; st.global.f64 [%rd1+8], %d1;
  ld.global.u16 %r1, [halves+2]; st.global.u32 [%rd1+16], %r1;
  ld.global.s8 %r1, [bytes]; ld.global.s8 %r2, [bytes+2]; ld.global.s8 %r3, [bytes+5];
  st.global.u32 [%rd1+20], %r1; st.global.u32 [%rd1+24], %r2; st.global.u32 [%rd1+28], %r3;
  ld.global.b64 %rd2, [pointers]; ld.const.u32 %r1, [%rd2]; st.global.u32 [%rd1+32], %r1;
  ld.global.b64 %rd2, [pointers+8]; ld.s8 %r1, [%rd2]; st.global.u32 [%rd1+36], %r1;
  mov.b64 %rd3, doubles; ld.global.u8 %r4, [parts]; ld.global.u8 %r5, [parts+1];
  mad.lo.u32 %r4, %r5, 256, %r4; cvt.u32.u64 %r6, %rd3; and.b32 %r6, %r6, 0xffff; sub.u32 %r4, %r4, %r6;
  st.global.u32 [%rd1+40], %r4;
  ld.const.u32 %r1, [numbers]; ld.const.u32 %r2, [numbers+4]; add.u32 %r1, %r1, %r2; st.global.u32 [%rd1+44], %r1;
  ret;
}
";
    let program = Program::load(text).unwrap();
    let memory = GlobalMemory::new(1 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let out = memory.allocate(48).unwrap();
    let params = out.to_le_bytes();
    let config = LaunchConfig { grid: [1; 3], block: [1; 3], dynamic_shared_bytes: 0, params: &params };
    launch(&instance, program.kernel("k").unwrap(), &config, &memory, &Options::default()).unwrap();
    let mut bytes = [0; 48];
    memory.copy_out(out, &mut bytes).unwrap();
    let words: Vec<u32> = bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!([f32::from_bits(words[0]), f32::from_bits(words[1])], [-2.5, 1.0]);
    assert_eq!(f64::from_bits(u64::from(words[2]) | u64::from(words[3]) << 32), -0.25);
    assert_eq!(words[4..8], [0xffff, u32::MAX, 0, 5]);
    assert_eq!(words[8..], [u32::MAX, 3, 0, 7 + 255]);
}

#[test]
fn parameters_are_laid_out_and_bounded() {
    let text = |bytes: u32| {
        format!(
            ".version 8.3\n.target sm_90\n.address_size 64
            .visible .entry k(.param .u8 a, .param .u64 .ptr .global .align 16 out, .param .align 4 .b8 big[{bytes}]) {{
            .reg .b64 %rd<4>; .reg .b32 %r<4>;
            ld.param.u64 %rd1, [out]; ld.param.u8 %r1, [a]; ld.param::entry.u32 %r2, [big+{}];
            st.global.v2.u32 [%rd1], {{%r1, %r2}}; ret; }}",
            bytes - 4
        )
    };
    let program = Program::load(&text(32_748)).unwrap();
    let kernel = program.kernel("k").unwrap();
    let places: Vec<(u32, u32)> = kernel.params().iter().map(|param| (param.offset, param.size)).collect();
    assert_eq!(places, [(0, 1), (8, 8), (16, 32_748)]);
    let memory = GlobalMemory::new(1 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let out = memory.allocate(8).unwrap();
    let mut params = vec![0; 32_764];
    params[0] = 200;
    params[8..16].copy_from_slice(&out.to_le_bytes());
    params[32_760..].copy_from_slice(&9u32.to_le_bytes());
    let config = LaunchConfig { grid: [1; 3], block: [1; 3], dynamic_shared_bytes: 0, params: &params };
    launch(&instance, kernel, &config, &memory, &Options::default()).unwrap();
    let mut bytes = [0; 8];
    memory.copy_out(out, &mut bytes).unwrap();
    assert_eq!(bytes, [200, 0, 0, 0, 9, 0, 0, 0]);
    let error = Program::load(&text(32_752)).unwrap_err().to_string();
    assert!(error.contains("a kernel may have 32764"), "{error}");
}

#[test]
fn special_registers_can_all_be_read() {
    let narrow = [
        "%tid.x",
        "%tid.y",
        "%tid.z",
        "%tid.w",
        "%ntid.x",
        "%ntid.y",
        "%ntid.z",
        "%ntid.w",
        "%ctaid.x",
        "%ctaid.y",
        "%ctaid.z",
        "%ctaid.w",
        "%nctaid.x",
        "%nctaid.y",
        "%nctaid.z",
        "%nctaid.w",
        "%laneid",
        "%warpid",
        "%nwarpid",
        "%smid",
        "%nsmid",
        "%lanemask_eq",
        "%lanemask_le",
        "%lanemask_lt",
        "%lanemask_ge",
        "%lanemask_gt",
        "%clock",
        "%clock_hi",
        "%globaltimer_lo",
        "%globaltimer_hi",
        "%dynamic_smem_size",
        "%total_smem_size",
        "%aggr_smem_size",
        "%reserved_smem_offset_begin",
        "%reserved_smem_offset_end",
        "%reserved_smem_offset_cap",
        "%reserved_smem_offset_0",
        "%reserved_smem_offset_1",
        "%clusterid.x",
        "%clusterid.y",
        "%clusterid.z",
        "%clusterid.w",
        "%nclusterid.x",
        "%nclusterid.y",
        "%nclusterid.z",
        "%nclusterid.w",
        "%cluster_ctaid.x",
        "%cluster_ctaid.y",
        "%cluster_ctaid.z",
        "%cluster_ctaid.w",
        "%cluster_nctaid.x",
        "%cluster_nctaid.y",
        "%cluster_nctaid.z",
        "%cluster_nctaid.w",
        "%cluster_ctarank",
        "%cluster_nctarank",
        "%envreg0",
        "%envreg31",
        "%pm0",
        "%pm7",
    ];
    let wide = ["%clock64", "%globaltimer", "%gridid", "%current_graph_exec", "%pm0_64", "%pm7_64"];
    let mut body = String::new();
    for (i, name) in narrow.iter().enumerate() {
        body += &format!("mov.u32 %r1, {name}; st.global.u32 [%out+{}], %r1;\n", 4 * i);
    }
    for (i, name) in wide.iter().enumerate() {
        body += &format!("mov.u64 %rd1, {name}; st.global.u64 [%out+{}], %rd1;\n", 240 + 8 * i);
    }
    body += "
        mov.u32 %r1, %gridid; add.u32 %r1, %r1, WARP_SZ; st.global.u32 [%out+288], %r1;
        mov.u16 %h1, %ntid.x; cvt.u32.u16 %r1, %h1; st.global.u32 [%out+292], %r1;
        cvt.u64.u32 %rd1, %nctaid.x; st.global.u32 [%out+296], %rd1;
        mov.pred %p1, %is_explicit_cluster; selp.u32 %r1, 1, 0, %p1; st.global.u32 [%out+300], %r1;
        ret;";
    let out = try_run(&kernel(&body), 1, 1, 76, &[], &Options::default()).unwrap().out;
    let value = |name: &str| out[narrow.iter().position(|other| *other == name).unwrap()];
    for name in [
        "%tid.x",
        "%ctaid.y",
        "%laneid",
        "%lanemask_lt",
        "%cluster_ctarank",
        "%dynamic_smem_size",
        "%envreg31",
    ] {
        assert_eq!(value(name), 0, "{name}");
    }
    for name in ["%ntid.x", "%nctaid.z", "%nwarpid", "%lanemask_eq", "%nclusterid.x", "%cluster_nctarank"] {
        assert_eq!(value(name), 1, "{name}");
    }
    assert_eq!((value("%lanemask_ge"), value("%lanemask_gt")), (u32::MAX, u32::MAX - 1));
    assert!(value("%nsmid") > value("%smid"));
    assert!(value("%clock") > 0);
    assert_eq!(out[72..], [32, 1, 1, 0]);
}

#[test]
fn a_clock_runs_and_lanes_tell_themselves() {
    let body = "
        mov.u64 %rd1, %clock64; mov.u32 %r1, %laneid; mov.u32 %r2, %warpid; mov.u64 %rd2, %clock64;
        setp.gt.u64 %p1, %rd2, %rd1; selp.u32 %r3, 1000, 0, %p1;
        mad.lo.u32 %r1, %r2, 100, %r1; add.u32 %r1, %r1, %r3; st.global.u32 [%o], %r1; ret;";
    let out = run(body, 64, &[]).out;
    assert_eq!((out[31], out[32]), (1031, 1100));
}

#[test]
fn dynamic_shared_memory_follows_the_static() {
    let text = ".version 8.3\n.target sm_90\n.address_size 64
        .extern .shared .align 16 .b8 dynamic[];
        .shared .align 4 .b8 fixed[20];
        .visible .entry k(.param .u64 out) {
        .reg .b64 %rd<4>; .reg .b32 %r<8>;
        ld.param.u64 %rd1, [out];
        mov.u32 %r1, dynamic; mov.u32 %r2, fixed; mov.u32 %r3, %dynamic_smem_size; mov.u32 %r4, %total_smem_size;
        st.shared.u32 [dynamic+28], %r1;
        st.global.v4.u32 [%rd1], {%r1, %r2, %r3, %r4}; ret; }";
    let program = Program::load(text).unwrap();
    let memory = GlobalMemory::new(1 << 20).unwrap();
    let instance = program.instantiate(&memory).unwrap();
    let out = memory.allocate(16).unwrap();
    let params = out.to_le_bytes();
    let config = LaunchConfig { grid: [1; 3], block: [1; 3], dynamic_shared_bytes: 44, params: &params };
    launch(&instance, program.kernel("k").unwrap(), &config, &memory, &Options::default()).unwrap();
    let mut bytes = [0; 16];
    memory.copy_out(out, &mut bytes).unwrap();
    let words: Vec<u32> = bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
    assert_eq!(words, [32, 0, 44, 64]);
}

#[test]
fn fences_have_many_forms() {
    let body = "
        membar.cta; membar.gl; membar.sys;
        fence.sc.cta; fence.acq_rel.gpu; fence.sc.sys; fence.acq_rel.cluster; fence.acquire.gpu; fence.release.cta;
        fence.proxy.alias; fence.proxy.async; fence.proxy.async.shared::cta; fence.proxy.async.global;
        fence.mbarrier_init.release.cluster;
        st.global.u32 [%out], 1; ret;";
    let outcome = try_run(&kernel(body), 1, 1, 1, &[], &Options::default()).unwrap();
    assert_eq!(outcome.counts.instructions_barrier, 14);
}

#[test]
fn what_is_outside_is_refused_by_name() {
    for instruction in [
        "mapa.u64 %rd1, %rd2, 0;",
        "getctarank.u32 %r1, %r2;",
        "ld.shared::cluster.u32 %r1, [%r2];",
        "fence.proxy.tensormap::generic.release.gpu;",
        "prefetch.tensormap [%rd1];",
    ] {
        let error = Program::load(&kernel(&format!("{instruction} ret;"))).unwrap_err().to_string();
        let opcode = instruction.split(['.', ' ']).next().unwrap();
        assert!(error.contains(opcode) && error.contains("not supported"), "{error}");
    }
}
