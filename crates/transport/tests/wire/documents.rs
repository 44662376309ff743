//! What the manual says of the tests.

use std::path::Path;

#[test]
fn every_test_that_the_table_of_operations_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manual = std::fs::read_to_string(root.join("README.md")).unwrap();
    let (_, table) = manual.split_once("| operation | method |").unwrap();
    let folders = [
        root.join("tests/wire"),
        root.join("../../tests/tests/conformance"),
    ];
    let (mut rows, mut named) = (0, 0);
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        rows += 1;
        let cells: Vec<&str> = row.split('|').collect();
        for (cell, folder) in cells[3..5].iter().zip(&folders) {
            // Between backquotes.
            for name in cell.split('`').skip(1).step_by(2) {
                named += 1;
                let (module, test) = name.split_once("::").unwrap_or((name, ""));
                // Beside the others, or a test program of its own.
                let file = format!("{module}.rs");
                let source = std::fs::read_to_string(folder.join(&file))
                    .or_else(|_| std::fs::read_to_string(folder.join("..").join(&file)));
                let source = source.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(
                    test.is_empty() || source.contains(&format!("fn {test}(")),
                    "{name}"
                );
            }
        }
        assert!(cells[3].contains('`') || cells[4].contains('`'), "{row}");
    }
    assert!(rows >= 28 && named >= 50, "{rows} rows, {named} tests");
}
