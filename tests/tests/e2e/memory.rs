//! A large file needs no more memory than a small one.

use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use cos_e2e::{Bench, peak_resident_kib, url};

const SIZE: u64 = 1 << 30;
const LIMIT_KIB: u64 = 100 << 10;

#[test]
fn a_gibibyte_up_and_back_under_100_mib() {
    let bench = Bench::new();
    let (source, back) = (bench.path("source"), bench.path("back"));
    // Sparse, with a mark in every MiB that says where it belongs.
    let file = File::create(&source).unwrap();
    file.set_len(SIZE).unwrap();
    for offset in (0..SIZE).step_by(1 << 20) {
        file.write_all_at(&offset.to_be_bytes(), offset + offset % 65_521)
            .unwrap();
    }

    let up = peak_resident_kib(bench.coscrypt().arg("put").arg(&source).arg(url("large")).start());
    let down = peak_resident_kib(bench.coscrypt().arg("get").arg(url("large")).arg(&back).start());
    println!(
        "peak resident memory: {} MiB up, {} MiB down",
        up >> 10,
        down >> 10
    );
    assert!(same(&source, &back), "what came back is not what went up");
    assert!(up < LIMIT_KIB && down < LIMIT_KIB, "{up} KiB up, {down} KiB down");
}

fn same(left: &Path, right: &Path) -> bool {
    let open = |path: &Path| BufReader::new(File::open(path).unwrap());
    let (mut left, mut right) = (open(left), open(right));
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let length = left.read(&mut a).unwrap();
        if length == 0 {
            return right.read(&mut b).unwrap() == 0;
        }
        if right.read_exact(&mut b[..length]).is_err() || a[..length] != b[..length] {
            return false;
        }
    }
}
