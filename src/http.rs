//! How HTTP connections are taken in: so many at once, and the others wait.
//!
//! Both servers of the program use it, the sandbox's and the one for metrics. What is said on a connection is theirs.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How long a server waits after it could not accept a connection, so as not to spin when there
/// are no file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves each connection until `shutdown` is over, then drops them all, answered or not. `sleep` lets
/// time pass where the machine refuses another one.
pub(crate) async fn accept<Served>(
    listener: TcpListener,
    connections_max: usize,
    shutdown: impl Future<Output = ()>,
    sleep: impl Fn(Duration) -> BoxFuture<'static, ()>,
    serve: impl Fn(TcpStream, SocketAddr) -> Served,
) where
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            accepted = listener.accept(), if connections.len() < connections_max => match accepted {
                Ok((stream, peer)) => {
                    // Answers are written in one go; waiting for more would only cost the client time.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "TCP_NODELAY could not be set");
                    }
                    connections.spawn(serve(stream, peer));
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next(), if !connections.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection ended by a fault of the program");
                }
            }
        }
    }
}
