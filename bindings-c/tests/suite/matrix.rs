//! Every bad value in every parameter of every function of the header, as one generated C program;
//! and a panic in each of them.

use std::fmt::Write as _;

use crate::header::{Function, Parameter, functions};
use crate::program::{command, compile, folder, succeed};

/// Calls that fail also with good arguments, since nothing went wrong before.
const FAILS_ANYHOW: [&str; 2] = [
    "quorlock_last_error_outcome",
    "quorlock_guard_release_outcome",
];
/// Out-parameters that may be NULL.
const OPTIONAL: [&str; 2] = ["finished_out", "result_out"];
/// Structs that are read.
const OPTIONS: [&str; 2] = ["client_options", "acquire_options"];
/// The handles, and the member of the world that is one.
const HANDLES: [&str; 6] = [
    "client",
    "guard",
    "canceller",
    "ticket",
    "inspection",
    "health",
];

const INVALID: &str = "QUORLOCK_INVALID_ARGUMENT";
const OK: &str = "QUORLOCK_OK";

/// What a parameter is, as far as bad values go.
enum Class<'a> {
    Handle(&'a str),
    HandleOut,
    Text,
    Texts,
    Number,
    Options(&'a str),
    StructOut(&'a str),
    ScalarOut(&'a str),
    Callback,
    UserData,
}

fn class(parameter: &Parameter) -> Class<'_> {
    let kind = parameter.kind.as_str();
    let plain = kind
        .trim_start_matches("const ")
        .trim_end_matches(['*', ' '])
        .trim_start_matches("quorlock_");
    match kind {
        "const char *" => Class::Text,
        "const char *const *" => Class::Texts,
        "void *" => Class::UserData,
        "quorlock_loss_callback" => Class::Callback,
        "size_t" | "uint64_t" | "int32_t" => Class::Number,
        _ if kind.ends_with("**") => Class::HandleOut,
        _ if HANDLES.contains(&plain) => Class::Handle(plain),
        _ if OPTIONS.contains(&plain) => Class::Options(plain),
        "uint64_t *" | "bool *" | "quorlock_loss *" | "quorlock_release_result *" => {
            Class::ScalarOut(kind.trim_end_matches(" *"))
        }
        _ if kind.starts_with("quorlock_") && parameter.name.ends_with("_out") => {
            Class::StructOut(plain)
        }
        _ => panic!("the matrix does not know {kind} {}", parameter.name),
    }
}

/// A value that a call goes well with.
fn good(function: &Function, parameter: &Parameter) -> String {
    let name = &parameter.name;
    match class(parameter) {
        Class::Handle(kind) => format!("made.{kind}"),
        Class::Text if name == "text" => "made.text".to_owned(),
        Class::Text => "\"free\"".to_owned(),
        Class::Texts => "made.nodes".to_owned(),
        Class::Number if name == "node_count" => "1".to_owned(),
        Class::Number if name == "ttl_ms" => "1000".to_owned(),
        Class::Number if name == "limit_ms" => "1000".to_owned(),
        Class::Number => "0".to_owned(),
        Class::Options(_) | Class::UserData => "NULL".to_owned(),
        Class::Callback => "on_loss".to_owned(),
        Class::HandleOut | Class::StructOut(_) | Class::ScalarOut(_) => {
            assert!(function.returns == "quorlock_status", "{}", function.name);
            format!("({})(void *)({name} + 0)", parameter.kind)
        }
    }
}

/// Bad or odd values: what they are called, the expression, and the status, where it is certain.
fn bad(function: &Function, parameter: &Parameter) -> Vec<(String, String, Option<&'static str>)> {
    let (name, kind) = (&parameter.name, &parameter.kind);
    let case = |what: &str, value: String, status| (what.to_owned(), value, status);
    match class(parameter) {
        Class::Handle(handle) => {
            let null = if function.name.ends_with("_free") {
                OK
            } else {
                INVALID
            };
            let other = HANDLES.iter().find(|other| **other != handle).expect("six");
            vec![
                case("NULL", "NULL".to_owned(), Some(null)),
                case("freed", format!("dead.{handle}"), Some(INVALID)),
                case(
                    "of another kind",
                    format!("({kind})(void *)made.{other}"),
                    Some(INVALID),
                ),
                case(
                    "an address",
                    format!("({kind})(void *)&made"),
                    Some(INVALID),
                ),
                case(
                    "odd",
                    format!("({kind})((uintptr_t)made.{handle} ^ 1)"),
                    Some(INVALID),
                ),
                case("all ones", format!("({kind})UINTPTR_MAX"), Some(INVALID)),
                case(
                    "of the next generation",
                    format!("({kind})((uintptr_t)made.{handle} + (1u << 24))"),
                    Some(INVALID),
                ),
            ]
        }
        Class::Text => vec![
            case("NULL", "NULL".to_owned(), Some(INVALID)),
            case("empty", "\"\"".to_owned(), Some(INVALID)),
            case("not UTF-8", "\"\\xff\\xfe\"".to_owned(), Some(INVALID)),
            case("half a character", "\"a\\xc3\"".to_owned(), Some(INVALID)),
            case(
                "a surrogate",
                "\"\\xed\\xa0\\x80\"".to_owned(),
                Some(INVALID),
            ),
            case("too long", "long_text()".to_owned(), Some(INVALID)),
        ],
        Class::Texts => vec![
            case("NULL", "NULL".to_owned(), Some(INVALID)),
            case(
                "of NULL",
                "(const char *[]){ NULL }".to_owned(),
                Some(INVALID),
            ),
            case(
                "not UTF-8",
                "(const char *[]){ \"\\xff\" }".to_owned(),
                Some(INVALID),
            ),
            case(
                "empty text",
                "(const char *[]){ \"\" }".to_owned(),
                Some("QUORLOCK_INVALID_CONFIG"),
            ),
            case(
                "misaligned",
                "misaligned_nodes(made.nodes[0])".to_owned(),
                Some(OK),
            ),
        ],
        Class::Number if name == "node_count" => {
            vec![case("0", "0".to_owned(), Some("QUORLOCK_INVALID_CONFIG"))]
        }
        Class::Number => {
            let most = match kind.as_str() {
                "size_t" => "SIZE_MAX",
                "uint64_t" => "UINT64_MAX",
                _ => "INT32_MAX",
            };
            let refused = (function.returns == "quorlock_status").then_some(INVALID);
            let mut cases = vec![case("the most", most.to_owned(), refused)];
            if kind == "uint64_t" {
                cases.push(case(
                    "beyond 2^53",
                    "(UINT64_C(1) << 53) + 2".to_owned(),
                    Some(INVALID),
                ));
                cases.push(case("negative", "(uint64_t)-1".to_owned(), Some(INVALID)));
            }
            if kind == "int32_t" {
                cases.push(case("the least", "INT32_MIN".to_owned(), None));
            }
            cases
        }
        Class::Options(options) => {
            let init = format!("QUORLOCK_{}_INIT", options.to_uppercase());
            let sized = |size: &str| format!("sized_{options}({size})");
            let mut cases = vec![
                case(
                    "as made by INIT",
                    format!("&(quorlock_{options}){init}"),
                    Some(OK),
                ),
                case("misaligned", format!("misaligned_{options}()"), Some(OK)),
            ];
            for size in [
                "0",
                "1",
                "8",
                &format!("sizeof(quorlock_{options}) + 8"),
                "SIZE_MAX",
            ] {
                cases.push(case(&format!("of size {size}"), sized(size), Some(INVALID)));
            }
            cases
        }
        Class::HandleOut | Class::ScalarOut(_) | Class::StructOut(_) => {
            let null = if OPTIONAL.contains(&name.as_str()) {
                OK
            } else {
                INVALID
            };
            let mut cases = vec![case("NULL", "NULL".to_owned(), Some(null))];
            if !matches!(class(parameter), Class::StructOut(_)) {
                cases.push(case(
                    "misaligned",
                    format!("({kind})(void *)({name} + 1)"),
                    Some(OK),
                ));
            }
            cases
        }
        Class::Callback => vec![case("NULL", "NULL".to_owned(), Some(INVALID))],
        Class::UserData => vec![case("odd", "(void *)1".to_owned(), Some(OK))],
    }
}

/// The places that out-parameters of a function point to, full of poison.
fn places(function: &Function, out: &mut String) {
    for parameter in &function.parameters {
        let kind = match class(parameter) {
            Class::HandleOut => "void *",
            Class::ScalarOut(kind) => kind,
            Class::StructOut(_) => parameter.kind.trim_end_matches(" *"),
            _ => continue,
        };
        let name = &parameter.name;
        let _ = writeln!(
            out,
            "        unsigned char {name}[sizeof({kind}) + 16] __attribute__((aligned(16)));\n        \
             memset({name}, POISON, sizeof {name});"
        );
        if let Class::StructOut(_) = class(parameter) {
            let _ = writeln!(out, "        *(size_t *)(void *){name} = sizeof({kind});");
        }
    }
}

/// One call, with one argument replaced, and what is left of the poison after it.
fn call(
    function: &Function,
    replaced: Option<(usize, &str)>,
    what: &str,
    expected: Option<&str>,
) -> String {
    let mut out = format!("    {{\n        /* {what} */\n        world made = make_world();\n");
    places(function, &mut out);
    let arguments: Vec<String> = function
        .parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| match replaced {
            Some((at, value)) if at == index => value.to_owned(),
            _ => good(function, parameter),
        })
        .collect();
    let called = format!("{}({})", function.name, arguments.join(", "));
    if function.returns != "quorlock_status" {
        let _ = writeln!(
            out,
            "        volatile uintptr_t result = (uintptr_t){called};\n        (void)result;"
        );
        out.push_str("        end_world(&made);\n    }\n");
        return out;
    }
    let _ = writeln!(out, "        quorlock_status status = {called};");
    if let Some(expected) = expected {
        let _ = writeln!(
            out,
            "        check_status(\"{what}\", {expected}, (int)status);"
        );
    }
    for (index, parameter) in function.parameters.iter().enumerate() {
        let name = &parameter.name;
        let offset = match replaced {
            Some((at, value)) if at == index && value.ends_with("+ 1)") => 1,
            Some((at, _)) if at == index => continue,
            _ => 0,
        };
        let (kind, from) = match class(parameter) {
            Class::HandleOut => ("void *", "0"),
            Class::ScalarOut(kind) => (kind, "0"),
            Class::StructOut(_) => (parameter.kind.trim_end_matches(" *"), "sizeof(size_t)"),
            _ => continue,
        };
        let _ = writeln!(
            out,
            "        check_out(\"{what}\", status, {name} + {offset}, {from}, sizeof({kind}));"
        );
    }
    for parameter in &function.parameters {
        // A second handle to the same world would keep it alive.
        let given = match (class(parameter), parameter.kind.strip_suffix(" **")) {
            (Class::HandleOut, Some(kind)) if kind != "const char" => kind,
            _ => continue,
        };
        if replaced.is_none_or(|(_, value)| !value.contains("_out")) {
            let _ = writeln!(
                out,
                "        {{ void *given; memcpy(&given, {}, sizeof given); {given}_free(given); }}",
                parameter.name
            );
        }
    }
    out.push_str("        end_world(&made);\n    }\n");
    out
}

/// The size of an out-struct as it first was: programs made for that are still served.
fn first_size(kind: &str) -> String {
    match kind {
        "node_health" => format!("offsetof(quorlock_{kind}, guarded_ms)"),
        _ => format!("sizeof(quorlock_{kind})"),
    }
}

/// Out-structs of a wrong size are refused and left alone.
fn wrong_sizes(function: &Function, index: usize, kind: &str) -> String {
    let mut out = String::new();
    for size in [
        "0",
        "1",
        "8",
        &format!("{} - 8", first_size(kind)),
        &format!("sizeof(quorlock_{kind}) + 8"),
        "SIZE_MAX",
    ] {
        let what = format!("{} with a struct of size {size}", function.name);
        let arguments: Vec<String> = function
            .parameters
            .iter()
            .enumerate()
            .map(|(at, parameter)| {
                if at == index {
                    "&given".to_owned()
                } else {
                    good(function, parameter)
                }
            })
            .collect();
        let _ = write!(
            out,
            "    {{\n        world made = make_world();\n        quorlock_{kind} given;\n        \
             memset(&given, POISON, sizeof given);\n        given.size = {size};\n        \
             check_status(\"{what}\", {INVALID}, (int){name}({arguments}));\n        \
             if (!is_all((unsigned char *)&given + sizeof(size_t), POISON, sizeof given - sizeof(size_t))) {{\n            \
             checks_failed++;\n            printf(\"{what}: written to\\n\");\n        }}\n        \
             end_world(&made);\n    }}\n",
            name = function.name,
            arguments = arguments.join(", "),
        );
    }
    out
}

const FIXTURES: &str = r#"
static const char *long_text(void) {
    static char text[2048];
    memset(text, 'x', sizeof text - 1);
    return text;
}

static const char *const *misaligned_nodes(const char *node) {
    static unsigned char place[sizeof(char *) + 1];
    memcpy(place + 1, &node, sizeof node);
    return (const char *const *)(void *)(place + 1);
}

#define ODD_OPTIONS(type, init)                                        \
    static const quorlock_##type *misaligned_##type(void) {            \
        static unsigned char place[sizeof(quorlock_##type) + 1];       \
        quorlock_##type options = init;                                \
        memcpy(place + 1, &options, sizeof options);                   \
        return (const quorlock_##type *)(void *)(place + 1);           \
    }                                                                  \
    static const quorlock_##type *sized_##type(size_t size) {          \
        static quorlock_##type options = init;                         \
        options.size = size;                                           \
        return &options;                                               \
    }

ODD_OPTIONS(client_options, QUORLOCK_CLIENT_OPTIONS_INIT)
ODD_OPTIONS(acquire_options, QUORLOCK_ACQUIRE_OPTIONS_INIT)
"#;

/// A C program with one test per function.
fn program(name: &str, body: impl Fn(&Function) -> String) -> String {
    let mut source = format!("#include \"matrix.h\"\n{FIXTURES}");
    let functions = functions();
    for function in &functions {
        let _ = writeln!(
            source,
            "\nstatic void of_{}(void) {{\n{}}}",
            function.name,
            body(function)
        );
    }
    source.push_str(
        "\nint main(int argc, char **argv) {\n    dead = make_world();\n    end_world(&dead);\n    \
         static const test tests[] = {\n",
    );
    for function in &functions {
        let _ = writeln!(source, "        {{ \"{0}\", of_{0} }},", function.name);
    }
    source.push_str("    };\n    (void)on_loss;\n    (void)long_text;\n    (void)misaligned_nodes;\n    (void)misaligned_client_options;\n    (void)sized_client_options;\n    (void)misaligned_acquire_options;\n    (void)sized_acquire_options;\n    (void)check_out;\n    return RUN(tests);\n}\n");
    let path = folder(&format!("{name}-source")).join(format!("{name}.c"));
    std::fs::write(&path, source).expect("an empty folder");
    let said = succeed(&mut command(&compile(name, &path)));
    assert!(
        said.contains(&format!("{} passed, 0 failed", functions.len())),
        "{said}"
    );
    said
}

#[test]
fn every_bad_value_in_every_parameter_has_a_defined_result() {
    let cases = std::cell::Cell::new(0);
    program("matrix", |function| {
        let fails = FAILS_ANYHOW.contains(&function.name.as_str());
        let mut body = call(
            function,
            None,
            &format!("{} with good arguments", function.name),
            Some(if fails { INVALID } else { OK }),
        );
        for (index, parameter) in function.parameters.iter().enumerate() {
            for (what, value, expected) in bad(function, parameter) {
                let what = format!("{}: {} is {what}", function.name, parameter.name);
                let expected = match expected {
                    Some(OK) if fails => Some(INVALID),
                    expected => expected,
                };
                body.push_str(&call(function, Some((index, &value)), &what, expected));
                cases.set(cases.get() + 1);
            }
            if let Class::StructOut(kind) = class(parameter) {
                body.push_str(&wrong_sizes(function, index, kind));
                cases.set(cases.get() + 6);
            }
        }
        body
    });
    assert!(cases.get() > 300, "only {} bad values", cases.get());
}

/// Needs the door that makes the next call panic; `make test` opens it.
#[cfg(feature = "panic-injection")]
#[test]
fn a_panic_in_any_function_is_an_error_and_leaves_the_library_usable() {
    program("panic", |function| {
        let armed = |expected: Option<&str>| {
            let what = format!("{} that panics", function.name);
            let text = call(function, None, &what, expected);
            let declared = "extern void quorlock_test_panic_next(void);\n        quorlock_test_panic_next();\n";
            let (before, after) = text
                .split_once("world made = make_world();\n")
                .expect("a world");
            format!("{before}world made = make_world();\n        {declared}{after}")
        };
        let fails = FAILS_ANYHOW.contains(&function.name.as_str());
        let usable = call(
            function,
            None,
            &format!("{} after a panic", function.name),
            Some(if fails { INVALID } else { OK }),
        );
        format!("{}{usable}", armed(Some("QUORLOCK_INTERNAL")))
    });
}
