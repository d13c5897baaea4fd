//! The programs that there are.

use std::path::PathBuf;

/// All programs below some directories, and the examples that documents have between fences.
pub fn corpus(roots: &[PathBuf]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> = roots.to_vec();
    while let Some(path) = open.pop() {
        if let Ok(entries) = path.read_dir() {
            open.extend(entries.flatten().map(|entry| entry.path()));
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("dora") => texts.push(text),
            Some("md") => texts.extend(fenced(&text)),
            _ => {}
        }
    }
    texts.sort();
    texts.dedup();
    texts
}

fn fenced(text: &str) -> impl Iterator<Item = String> {
    let blocks = text.split("\n```").skip(1).step_by(2);
    let code = |block: &str| Some(block.strip_prefix("dora")?.split_once('\n')?.1.to_string());
    blocks.filter_map(code)
}
