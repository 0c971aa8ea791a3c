//! Files that the tools themselves wrote.

use pipe_import::{Format, Options, Source};
use pipe_model::Status;

use crate::support::{fixture, import, told};

#[test]
fn google_benchmark() {
    insta::assert_snapshot!(told(&import(&fixture("google.json")).unwrap()), @r"
    google-benchmark unknown on vm by import:google-benchmark
      BM_Copy [arg0=8 label=plain] bytes_per_second bytes/s 3 samples from 1335307442.8611295
      BM_Copy [arg0=8 label=plain] cpu_time ns 3 samples from 5.9911296404209375
      BM_Copy [arg0=8 label=plain] iterations count 3 samples from 2333840
      BM_Copy [arg0=8 label=plain] ratio 1 3 samples from 0.5
      BM_Copy [arg0=8 label=plain] real_time ns 3 samples from 23.559847290297466
      BM_Copy [arg0=4096 label=plain] bytes_per_second bytes/s 3 samples from 2935621178.388077
      BM_Copy [arg0=4096 label=plain] cpu_time ns 3 samples from 1395.275395256917
      BM_Copy [arg0=4096 label=plain] iterations count 3 samples from 10120
      BM_Copy [arg0=4096 label=plain] ratio 1 3 samples from 0.5
      BM_Copy [arg0=4096 label=plain] real_time ns 3 samples from 5916.497332012082
      BM_Err [] real_time ns error: no device
      BM_Named [num_heads=4 seq_len=128] cpu_time ns 3 samples from 0.6491918800229417
      BM_Named [num_heads=4 seq_len=128] iterations count 3 samples from 21553854
      BM_Named [num_heads=4 seq_len=128] real_time ns 3 samples from 2.7781952591832804
    skipped 3: its numbers are no measurement, for it failed; recorded as a failure
    skipped 48: numbers the entries of the file
    skipped 3: the cv of repetitions that are imported
    skipped 3: the mean of repetitions that are imported
    skipped 3: the median of repetitions that are imported
    skipped 3: the stddev of repetitions that are imported
    ");
}

#[test]
fn google_benchmark_with_aggregates_only() {
    insta::assert_snapshot!(told(&import(&fixture("google-aggregates.json")).unwrap()), @r"
    google-benchmark unknown on vm by import:google-benchmark
      BM_Copy [arg0=8 label=plain] iterations count 3 sd=3 median=3
      BM_Copy [arg0=8 label=plain] mean_real_time ns 24.18296613504305 sd=0.8939960821580809 median=23.69014257780816
      BM_Copy [arg0=8 label=plain] mean_cpu_time ns 6.129679556924824 sd=0.04982481997016444 median=6.116247902690053
      BM_Copy [arg0=8 label=plain] mean_bytes_per_second bytes/s 1305182637.6190891 sd=10577081.393615538 median=1307991456.0823202
      BM_Copy [arg0=8 label=plain] mean_ratio 1 0.5 sd=0 median=0.5
      BM_Copy [arg0=4096 label=plain] iterations count 3 sd=3 median=3
      BM_Copy [arg0=4096 label=plain] mean_real_time ns 6178.094685420259 sd=1431.8450896475872 median=6905.232123535159
      BM_Copy [arg0=4096 label=plain] mean_cpu_time ns 1389.829546572243 sd=10.877892175370034 median=1391.352119602636
      BM_Copy [arg0=4096 label=plain] mean_bytes_per_second bytes/s 2947244549.836829 sd=23105279.44936014 median=2943898918.3915567
      BM_Copy [arg0=4096 label=plain] mean_ratio 1 0.5 sd=0 median=0.5
      BM_Err [] real_time ns error: no device
      BM_Named [num_heads=4 seq_len=128] iterations count 3 sd=3 median=3
      BM_Named [num_heads=4 seq_len=128] mean_real_time ns 2.564323508206711 sd=0.08989503387076957 median=2.5545553301214263
      BM_Named [num_heads=4 seq_len=128] mean_cpu_time ns 0.6561652566040017 sd=0.005410693829639819 median=0.6557258946455472
    skipped 3: its numbers are no measurement, for it failed; recorded as a failure
    skipped 48: numbers the entries of the file
    skipped 12: says again what the run's name and the aggregate's do
    skipped 13: the deviation over the mean, which are imported
    ");
}

#[test]
fn pytest_benchmark() {
    insta::assert_snapshot!(told(&import(&fixture("pytest.json")).unwrap()), @r"
    pytest-benchmark unknown on AMD EPYC by import:pytest-benchmark
      test_b.py::test_sum [n=10 seq_len=10] time ns 5 samples from 2053.4999976007384
      test_b.py::test_sum [n=10 seq_len=10] iterations count 2
      test_b.py::test_sum [n=100 seq_len=100] time ns 5 samples from 1863.499960563786
      test_b.py::test_sum [n=100 seq_len=100] iterations count 2
      test_b.py::test_plain [] time ns 3 samples from 812.0000529743265
      test_b.py::test_plain [] iterations count 1
    skipped 48: computed from the samples, which are imported
    ");
}

#[test]
fn pytest_benchmark_with_statistics_only() {
    insta::assert_snapshot!(told(&import(&fixture("pytest-statistics.json")).unwrap()), @r"
    pytest-benchmark unknown on AMD EPYC by import:pytest-benchmark
      test_b.py::test_sum [n=10 seq_len=10] mean_time ns 924.6999979950488 sd=319.6272602002295 min=580.9999947814504 median=976.5000186234829 max=1282.5000226257544
      test_b.py::test_sum [n=10 seq_len=10] rounds count 5
      test_b.py::test_sum [n=10 seq_len=10] iterations count 2
      test_b.py::test_sum [n=100 seq_len=100] mean_time ns 1352.4999985747854 sd=349.54665896381107 min=1112.0000067421645 median=1221.9999803164685 max=1958.4999790822621
      test_b.py::test_sum [n=100 seq_len=100] rounds count 5
      test_b.py::test_sum [n=100 seq_len=100] iterations count 2
      test_b.py::test_plain [] mean_time ns 373.6666940312716 sd=203.1263791700688 min=210.0000529026147 median=310.00001854408765 max=601.0000106471125
      test_b.py::test_plain [] rounds count 3
      test_b.py::test_plain [] iterations count 1
    skipped 24: describes samples that the file does not hold
    ");
}

#[test]
fn hyperfine() {
    let read = |name| told(&import(&fixture(name)).unwrap());
    insta::assert_snapshot!(read("hyperfine.json"), @r"
    hyperfine unknown on unknown by import:hyperfine
      true [] time ns 4 samples from 574377
      true [] mean_user_time ns 479500
      true [] mean_system_time ns 0
      sleep 0.01 [] time ns 4 samples from 11116656
      sleep 0.01 [] mean_user_time ns 752250
      sleep 0.01 [] mean_system_time ns 236000
    skipped 10: computed from the samples, which are imported
    ");
    insta::assert_snapshot!(read("hyperfine-parameters.json"), @r"
    hyperfine unknown on unknown by import:hyperfine
      true [n=1] time ns 4 samples from 676789
      true [n=1] mean_user_time ns 503000
      true [n=1] mean_system_time ns 0
      sleep 0.01 [n=1] time ns 4 samples from 11208808
      sleep 0.01 [n=1] mean_user_time ns 726750
      sleep 0.01 [n=1] mean_system_time ns 256000
      sleep 0.001 [n=1] time ns 4 samples from 2258605.0000000005
      sleep 0.001 [n=1] mean_user_time ns 865500
      sleep 0.001 [n=1] mean_system_time ns 0
      true [n=2] time ns 4 samples from 569358.0000000001
      true [n=2] mean_user_time ns 349249.99999999994
      true [n=2] mean_system_time ns 119750
      sleep 0.01 [n=2] time ns 4 samples from 11203097
      sleep 0.01 [n=2] mean_user_time ns 756000
      sleep 0.01 [n=2] mean_system_time ns 259250
      sleep 0.002 [n=2] time ns 4 samples from 3133115
      sleep 0.002 [n=2] mean_user_time ns 867250
      sleep 0.002 [n=2] mean_system_time ns 0
    skipped 30: computed from the samples, which are imported
    ");
    insta::assert_snapshot!(read("hyperfine-failed.json"), @r"
    hyperfine unknown on unknown by import:hyperfine
      false [] time ns 2 samples from 7822548 error: it exited with 1 in 2 of 2 runs
      false [] mean_user_time ns 725000 error: it exited with 1 in 2 of 2 runs
      false [] mean_system_time ns 0 error: it exited with 1 in 2 of 2 runs
    skipped 5: computed from the samples, which are imported
    ");
}

#[test]
fn asv() {
    insta::assert_snapshot!(told(&import(&fixture("asv/box/343fe150-existing-py3.json")).unwrap()), @r"
    asv 343fe1504366f6495fe88d288c07759c788edad0 on box by import:asv
      b.Sum.peakmem_x [kind=list n=10] peak_memory bytes 24670208
      b.Sum.peakmem_x [kind=tuple n=10] peak_memory bytes 24674304
      b.Sum.peakmem_x [kind=list n=100] peak_memory bytes 24674304
      b.Sum.peakmem_x [kind=tuple n=100] peak_memory bytes skipped: it does not apply to these parameters
      b.Sum.time_sum [kind=list n=10] time ns 1793.999899746268
      b.Sum.time_sum [kind=tuple n=10] time ns 2966.0000109288376
      b.Sum.time_sum [kind=list n=100] time ns 2655.0000029601506
      b.Sum.time_sum [kind=tuple n=100] time ns skipped: it does not apply to these parameters
      b.Sum.track_len [kind=list n=10] value unit 10
      b.Sum.track_len [kind=tuple n=10] value unit 10
      b.Sum.track_len [kind=list n=100] value unit 100
      b.Sum.track_len [kind=tuple n=100] value 1 skipped: it does not apply to these parameters
      b.mem_x [] memory bytes 856
      b.time_fail [] time ns error: asv says that it failed, and no more
      b.time_plain [] time ns 2494.9999897216912
    skipped 12: how asv sampled, or computed from the samples
    skipped 6: how long asv was at it
    skipped 6: when asv came to it; the run has the earliest of all
    ");
    for name in ["asv/benchmarks.json", "asv/box/machine.json"] {
        assert!(import(&fixture(name)).unwrap_err().is_companion(), "{name}");
    }
}

#[test]
fn criterion() {
    let (files, _) = pipe_import::discover(&fixture("criterion")).unwrap();
    let mut text = String::new();
    let mut companions = 0;
    for file in &files {
        match import(file) {
            Ok(imported) => text += &told(&imported),
            Err(error) => {
                assert!(error.is_companion(), "{error}");
                companions += 1;
            }
        }
    }
    insta::assert_snapshot!(text, @r"
    criterion unknown on unknown by import:criterion
      plain [] time ns 10 samples from 0.6170023161929931
      plain [] iterations count 10 samples from 260341
    skipped 1: computed from the samples, which are imported
    skipped 1: fences for outliers, computed from the samples
    criterion unknown on unknown by import:criterion
      plain [] time ns 10 samples from 0.6170023161929931
      plain [] iterations count 10 samples from 260341
    skipped 1: computed from the samples, which are imported
    skipped 1: fences for outliers, computed from the samples
    criterion unknown on unknown by import:criterion
      sum/iter [throughput_elements=10 value=10] time ns 10 samples from 1.1610011884849019
      sum/iter [throughput_elements=10 value=10] iterations count 10 samples from 181744
    skipped 1: computed from the samples, which are imported
    skipped 1: fences for outliers, computed from the samples
    criterion unknown on unknown by import:criterion
      sum/iter [throughput_elements=10 value=10] time ns 10 samples from 1.1610011884849019
      sum/iter [throughput_elements=10 value=10] iterations count 10 samples from 181744
    skipped 1: computed from the samples, which are imported
    skipped 1: fences for outliers, computed from the samples
    ");
    assert_eq!(companions, files.len() - 4);
}

#[test]
fn nvbench_with_its_binary_files() {
    insta::assert_snapshot!(told(&import(&fixture("nvbench/result.json")).unwrap()), @r"
    nvbench unknown on NVIDIA H200 by import:nvbench
      copy [BlockSize=128 T=F32] gpu_time ns 4 samples from 12499.99968422344
      copy [BlockSize=128 T=F32] sm_clock Hz 4 samples from 1700000000
      copy [BlockSize=128 T=F32] mean_cpu_time ns 25000
      copy [BlockSize=128 T=F32] cpu_time_stdev_relative 1 0.05
      copy [BlockSize=128 T=F32] cold_sample_size count 4
      copy [BlockSize=128 T=F32] cold_bw_global_bytes_per_second bytes/s 320000000000
      copy [BlockSize=128 T=F32] batch_time_gpu_mean ns 12000
      copy [BlockSize=256 T=F32] mean_gpu_time ns 13437.5 sd=1200 min=12500
      copy [BlockSize=256 T=F32] mean_cpu_time ns 25000
      copy [BlockSize=256 T=F32] cpu_time_stdev_relative 1 0.05
      copy [BlockSize=256 T=F32] cold_sample_size count 4
      copy [BlockSize=256 T=F32] cold_bw_global_bytes_per_second bytes/s 320000000000
      copy [BlockSize=256 T=F32] batch_time_gpu_mean ns 12000
      copy [BlockSize=2048 T=F32] gpu_time ns skipped: invalid configuration argument
    skipped 3: computed from the samples, which are imported
    skipped 6: says again which axis values these are
    skipped 1: the values of every axis are in the states
    ");
}

#[test]
fn nvbench_without_its_binary_files_says_which_are_missing() {
    let text = std::fs::read(fixture("nvbench/result.json")).unwrap();
    let source = Source::of_bytes("result.json".as_ref(), text);
    let imported = pipe_import::read(&source, &Options::default()).unwrap();
    assert_eq!(imported.format, Format::Nvbench);
    let missing: Vec<String> =
        imported.skipped.iter().map(ToString::to_string).filter(|s| s.contains(".bin")).collect();
    assert_eq!(missing.len(), 2, "{missing:?}");
    let run = &imported.runs[0].run;
    assert_eq!(run.measurements.iter().filter(|m| m.metric.as_str() == "mean_gpu_time").count(), 2);
    assert_eq!(run.measurements.iter().filter(|m| m.status == Status::Skipped).count(), 1);
}

#[test]
fn the_same_bytes_give_the_same_run_ids_and_other_bytes_others() {
    let ids = |path: &std::path::Path| {
        import(path).unwrap().runs.iter().map(|imported| imported.run.id).collect::<Vec<_>>()
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("renamed-2020-01-01-0000-UTC.json");
    for name in ["google.json", "hyperfine.json", "asv/box/343fe150-existing-py3.json"] {
        std::fs::copy(fixture(name), &copy).unwrap();
        assert_eq!(ids(&fixture(name)), ids(&copy), "{name}");
        let mut text = std::fs::read_to_string(&copy).unwrap();
        text.push('\n');
        std::fs::write(&copy, text).unwrap();
        assert_ne!(ids(&fixture(name)), ids(&copy), "{name}");
    }
}

#[test]
fn commit_and_type_can_be_said() {
    let commit: pipe_model::Commit = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
    let options = Options { commit: Some(commit.clone()), benchmark_type: Some("mine".parse().unwrap()) };
    let imported = pipe_import::read(&Source::open(&fixture("hyperfine.json")).unwrap(), &options).unwrap();
    let run = &imported.runs[0].run;
    assert_eq!((&run.commit, run.benchmark_type.as_str()), (&commit, "mine"));
    assert_eq!(run.id, import(&fixture("hyperfine.json")).unwrap().runs[0].run.id, "the id is the file's");
}
