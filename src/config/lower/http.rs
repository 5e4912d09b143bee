//! Where the program is looked at from outside: only by this machine, or by whoever knows a token.

use std::path::Path;

use crate::config::diagnostic::{Diagnostic, Sink};
use crate::config::file::File;
use crate::files;
use crate::policy::HttpPolicy;

/// What `[http]` means. A token file is judged where it is there: it may be on another machine than the
/// one on which a policy is checked.
pub(super) fn lower(file: &File, base_dir: &Path, sink: &mut Sink) -> Option<HttpPolicy> {
    let listen = file.http.listen.given()?;
    let token_file = file.http.token_file.value().map(|path| base_dir.join(path));
    if let Some(Ok(exposed)) = token_file.as_deref().map(files::readable_at) {
        sink.expose(exposed.into_iter().collect());
    }
    if !listen.value.ip().to_canonical().is_loopback() && file.http.token_file.is_absent() {
        let message = "whoever reaches this machine could look at the program";
        sink.push(
            Diagnostic::error("open-listener", listen.span.clone(), message)
                .label("not an address of this machine alone")
                .note("nothing is encrypted either: others belong behind a proxy that does TLS")
                .help("write `127.0.0.1` or `[::1]`, or name a `token_file`"),
        );
    }
    Some(HttpPolicy { listen: listen.value, token_file })
}
