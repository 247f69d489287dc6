//! `quorlock.h` as data: its functions and their parameters, so that a test misses none.

use std::collections::BTreeSet;

use crate::program::binding;

/// One exported function.
pub struct Function {
    /// What it returns, such as `quorlock_status` or `const char *`.
    pub returns: String,
    pub name: String,
    pub parameters: Vec<Parameter>,
}

/// One of its parameters.
pub struct Parameter {
    /// As in the header, such as `const quorlock_client *`.
    pub kind: String,
    pub name: String,
}

/// The header's text.
pub fn text() -> String {
    std::fs::read_to_string(binding().join("include/quorlock.h")).expect("the header is there")
}

/// Every function of the header.
pub fn functions() -> Vec<Function> {
    let text = text();
    let (_, code) = text
        .split_once("extern \"C\" {")
        .expect("one block of functions");
    let mut declarations = String::new();
    for part in code.split("/**") {
        let code = part.split_once("*/").map_or(part, |(_, code)| code);
        let lines = code.lines().filter(|line| !line.starts_with('#'));
        declarations.extend(lines.flat_map(|line| [line, "\n"]));
    }
    let functions: Vec<Function> = declarations.split(';').filter_map(function).collect();
    let names: BTreeSet<&str> = functions.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.len(), functions.len());
    assert!(names.contains("quorlock_mutex_acquire") && functions.len() > 40);
    functions
}

fn function(declaration: &str) -> Option<Function> {
    let flat = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
    let (head, rest) = flat.split_once('(')?;
    let start = head.rfind("quorlock_")?;
    let (parameters, _) = rest.rsplit_once(')')?;
    Some(Function {
        returns: head[..start].trim().to_owned(),
        name: head[start..].to_owned(),
        parameters: parameters
            .split(',')
            .map(str::trim)
            .filter(|parameter| *parameter != "void")
            .map(parameter)
            .collect(),
    })
}

fn parameter(text: &str) -> Parameter {
    let start = text
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |end| end + 1);
    Parameter {
        kind: text[..start].trim().to_owned(),
        name: text[start..].to_owned(),
    }
}
