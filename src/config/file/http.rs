//! `[http]`: where the program is looked at from outside.

use std::net::SocketAddr;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::suggest::quoted;
use super::super::table::{Field, Table, Value};
use super::super::value;

/// The table `[http]`.
pub(in crate::config) struct HttpFile {
    pub(in crate::config) listen: Field<SocketAddr>,
    pub(in crate::config) token_file: Field<String>,
}

impl HttpFile {
    pub(super) fn read(root: &mut Table<'_>, sink: &mut Sink) -> Self {
        let value = root.take("http");
        let table = value.and_then(|value| Table::of(&value, "[http]", sink));
        let Some(mut table) = table else {
            return Self { listen: Field::Absent, token_file: Field::Absent };
        };
        let http = Self {
            listen: table.field("listen", sink, listen),
            token_file: table.field("token_file", sink, value::path),
        };
        if http.listen.is_absent() {
            let message = "`[http]` does not say where to listen";
            sink.push(
                Diagnostic::error("missing-key", table.span(), message)
                    .help("write `listen = \"127.0.0.1:9464\"`, or leave `[http]` out"),
            );
        }
        table.finish(sink);
        http
    }
}

/// An address and a port; a name could mean another machine tomorrow.
fn listen(value: &Value<'_>, sink: &mut Sink) -> Option<SocketAddr> {
    let text = value::text(value, sink)?;
    let address = text.trim().parse().ok();
    if address.is_none() {
        let message = format!("`listen` has no address and port: {}", quoted(&text));
        sink.push(
            Diagnostic::error("bad-address", value.span(), message)
                .label("not an IP address with a port")
                .help("write it as in \"127.0.0.1:9464\" or \"[::1]:9464\""),
        );
    }
    address
}
