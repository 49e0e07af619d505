//! What goes to the screen: logs to standard error, results to standard output.

use std::io::IsTerminal;

use lake::leftover::HEALED;
use tracing_subscriber::EnvFilter;

/// Starts logging. Servers say what they do, other commands only what went wrong and what they mended of a program that
/// ended too early. `LAZURITE_LOG` sets the filter, `LAZURITE_LOG_FORMAT=json` makes each line an object.
pub(crate) fn start_logging(server: bool) {
    let default = if server {
        "info,deltalake_core=warn,buoyant_kernel=warn,buoyant_kernel_engine=warn".to_owned()
    } else {
        format!("error,deltalake_core=off,{HEALED}=info")
    };
    let filter = EnvFilter::try_from_env("LAZURITE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("LAZURITE_LOG_FORMAT").is_ok_and(|format| format == "json") {
        lines.json().flatten_event(true).init();
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
    }
}

/// A number with thousands commas, for people.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Ends the program without a trace when the reader of its output is gone, as `lazurite status | head -1` leaves it: what
/// was to be done is done by then, only nobody reads about it.
pub(crate) fn end_with_the_reader() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(1);
        }
        report(panic);
    }));
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(super::grouped(number), text);
        }
    }
}
