//! Results do not depend on the number of threads.

use neuromanifold_harness::experiments::chosen;
use neuromanifold_harness::{Context, Effort};

#[test]
fn records_are_the_same_bits_for_every_number_of_threads() {
    // As the runner does: decompositions that are not told otherwise run on one thread.
    faer::set_global_parallelism(faer::Par::Seq);
    let records = |name: &str, threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let experiments = chosen(&[name.to_owned()]).unwrap();
        let context = Context::quiet(3, Effort::Quick);
        let record = pool.install(|| experiments[0].run(&context)).unwrap();
        serde_json::to_string(&record).unwrap()
    };
    for name in ["kl-metric", "degenerate-fisher", "plateau"] {
        let alone = records(name, 1);
        for threads in [2, 5] {
            assert!(
                records(name, threads) == alone,
                "{name} on {threads} threads"
            );
        }
    }
}
