#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    neuromanifold_fuzz::tables::csv(bytes);
});
