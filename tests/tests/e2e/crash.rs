//! The server is killed between writes, as by a power cut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use cos_e2e::{Bench, StoredObject, pattern};

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let mut bench = Bench::new();
    let mut acknowledged: Vec<(String, usize)> = Vec::new();
    for round in 0..12 {
        let stop = AtomicBool::new(false);
        let provider = bench.provider();
        let written = thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut written = Vec::new();
                for number in 0.. {
                    let (key, size) = (format!("{round:02}/{number:04}"), (number * 7919) % 200_000);
                    if stop.load(Ordering::Relaxed)
                        || provider
                            .try_put(&key, &StoredObject::plain(pattern(size)))
                            .is_err()
                    {
                        break;
                    }
                    written.push((key, size));
                }
                written
            });
            thread::sleep(Duration::from_millis(40 + 23 * round));
            bench.kill_server();
            stop.store(true, Ordering::Relaxed);
            writer.join().unwrap()
        });
        acknowledged.extend(written);
        bench.restart_server();
    }
    let provider = bench.provider();
    assert!(
        acknowledged.len() > 12,
        "only {} writes were acknowledged",
        acknowledged.len()
    );
    for (key, size) in &acknowledged {
        assert!(provider.get(key).body == pattern(*size), "{key}");
    }
    // Beyond those at most the write under way at each kill may have arrived, and then whole.
    let listed = provider.list("");
    assert!(
        listed.len() <= acknowledged.len() + 12,
        "{} listed, {} acknowledged",
        listed.len(),
        acknowledged.len()
    );
    for key in listed {
        let number: usize = key[3..].parse().unwrap();
        assert!(
            provider.get(&key).body == pattern((number * 7919) % 200_000),
            "{key}"
        );
    }
}
