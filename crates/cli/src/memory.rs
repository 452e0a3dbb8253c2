use crate::failure::Failure;

/// Passes if a number of bytes can be had, as far as the system tells; where it does not, up to 8 GiB can.
pub(crate) fn require(
    what: &'static str,
    bytes: u128,
    instead: &'static str,
) -> Result<(), Failure> {
    let available = available().unwrap_or(8 << 30);
    // what is asked for at once must leave room for everything else
    if bytes > u128::from(available) / 10 * 8 {
        return Err(Failure::Memory {
            what,
            needed: bytes,
            available,
            instead,
        });
    }
    Ok(())
}

/// Memory that can be had without swapping, of a Linux system.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Bytes for people.
pub(crate) fn size(bytes: u128) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
