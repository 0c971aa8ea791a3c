//! What a measurement depends on beside the kernel: driver, device, clocks, processor and system.

use std::{collections::BTreeMap, fs, thread};

use cust::{CudaApiVersion, device::DeviceAttribute};
use pipe_driver::Backend;
use pipe_model::DeviceKind;

use super::Device;

impl Device {
    /// The environment of a run, by name. What cannot be found out is left out.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        let mut add = |name: &str, value: Option<String>| {
            facts.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
        };
        add("pipe", Some(env!("CARGO_PKG_VERSION").to_owned()));

        let attribute = |attribute| self.raw.get_attribute(attribute).ok().filter(|value| *value > 0);
        let text = |value: Option<i32>| value.map(|value| value.to_string());
        let megahertz = |kilohertz: Option<i32>| kilohertz.map(|value| (value / 1000).to_string());
        add("driver", Some(driver()));
        let version = CudaApiVersion::get().ok();
        add("cuda", version.map(|version| format!("{}.{}", version.major(), version.minor())));
        let capability = attribute(DeviceAttribute::ComputeCapabilityMajor);
        let minor = self.raw.get_attribute(DeviceAttribute::ComputeCapabilityMinor).ok();
        add("compute_capability", capability.zip(minor).map(|(major, minor)| format!("{major}.{minor}")));
        add("device_memory", self.raw.total_memory().ok().map(|bytes| bytes.to_string()));
        add("multiprocessors", text(attribute(DeviceAttribute::MultiprocessorCount)));
        add("l2_cache", text(attribute(DeviceAttribute::L2CacheSize)));
        // The embedded device has no clock, only the number that programs expect of every device.
        if self.kind == DeviceKind::Cuda {
            add("clock_mhz", megahertz(attribute(DeviceAttribute::ClockRate)));
            add("memory_clock_mhz", megahertz(attribute(DeviceAttribute::MemoryClockRate)));
        }

        add("cpu", cpu());
        add("cpu_cores", thread::available_parallelism().ok().map(|cores| cores.to_string()));
        add("os", os());
        add("kernel", first_line("/proc/sys/kernel/osrelease"));
        add("cpu_governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
        facts
    }
}

fn driver() -> String {
    match pipe_driver::backend() {
        Backend::Cuda { library, driver_version: (major, minor), .. } => {
            format!("{} {major}.{minor}", library.display())
        }
        Backend::Embedded { reason } => format!("embedded: {reason}"),
        Backend::Unavailable { reason } => format!("unavailable: {reason}"),
    }
}

fn first_line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().next().map(|line| line.trim().to_owned())
}

/// The value of `key` in lines such as `model name : Intel …`.
fn value_of(text: &str, key: &str, separator: char) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(separator)?;
        (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn cpu() -> Option<String> {
    value_of(&fs::read_to_string("/proc/cpuinfo").ok()?, "model name", ':')
}

fn os() -> Option<String> {
    let named = fs::read_to_string("/etc/os-release").ok();
    named
        .and_then(|text| value_of(&text, "PRETTY_NAME", '='))
        .or_else(|| Some(std::env::consts::OS.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_name() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Some CPU\n";
        assert_eq!(value_of(text, "model name", ':').as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(
            value_of("NAME=x\nPRETTY_NAME=\"An OS 1\"\n", "PRETTY_NAME", '=').as_deref(),
            Some("An OS 1")
        );
        assert_eq!(value_of(text, "name", ':'), None);
    }
}
