//! What users read: help, mistakes and other words that need no server, held as snapshots in `tests/cmd`.
//!
//! `TRYCMD=overwrite cargo test -p coscrypt --test snapshots` writes them anew.

#[test]
fn words() {
    let nothing_set = [
        "COS_ENDPOINT",
        "COS_REGION",
        "COS_SECRET_ID",
        "COS_SECRET_KEY",
        "COS_SESSION_TOKEN",
        "TENCENTCLOUD_SECRET_ID",
        "TENCENTCLOUD_SECRET_KEY",
        "COSCRYPT_KEY",
        "COSCRYPT_CONFIG",
        "XDG_CONFIG_HOME",
    ];
    let cases = trycmd::TestCases::new();
    for name in nothing_set {
        // Empty counts as not set.
        cases.env(name, "");
    }
    cases.env("HOME", "/nonexistent");
    cases.case("tests/cmd/*.trycmd");
}
