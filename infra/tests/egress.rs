//! The guarded client against real sockets that misbehave, and a resolver that lies.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use mintmark_infra::egress::{Egress, EgressError, FetchLimits, Fetched, Resolve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// Short enough that a test of a slow server is quick.
const LIMITS: FetchLimits = FetchLimits {
    bytes_max: 64 * 1024,
    total: Duration::from_secs(2),
    idle: Duration::from_millis(500),
    redirects_max: 3,
};

/// Answers names from a list, in turn where a name has several answers.
#[derive(Default)]
struct Lying {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolve for Lying {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let left = answers.get_mut(host).ok_or_else(|| std::io::Error::other("unknown"))?;
        Ok(if left.len() > 1 { left.remove(0) } else { left[0].clone() })
    }
}

fn lying(answers: &[(&str, &[&str])]) -> Arc<Lying> {
    let each = answers.iter().map(|(host, turns)| {
        let turns = turns.iter().map(|address| vec![address.parse().unwrap()]).collect();
        ((*host).to_owned(), turns)
    });
    Arc::new(Lying { answers: Mutex::new(each.collect()), asked: AtomicUsize::new(0) })
}

fn egress(allow: &[String], resolver: Arc<Lying>) -> Egress {
    let samples = |url: &Url| {
        let known = url.path() == "/product.png";
        known.then(|| Fetched {
            url: url.clone(),
            content_type: Some("image/png".to_owned()),
            charset: None,
            bytes: Bytes::from_static(b"sample"),
        })
    };
    Egress::new(allow.iter().map(|rule| rule.parse().unwrap()).collect(), resolver, Arc::new(samples))
}

/// A server on loopback that answers each connection with what `answer` writes, and counts
/// the connections.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn with<F, T>(answer: F) -> Self
    where
        F: Fn(TcpStream, String) -> T + Send + Sync + 'static,
        T: Future<Output = std::io::Result<()>> + Send,
    {
        Self::at("127.0.0.1:0", answer).await
    }

    async fn at<F, T>(address: &str, answer: F) -> Self
    where
        F: Fn(TcpStream, String) -> T + Send + Sync + 'static,
        T: Future<Output = std::io::Result<()>> + Send,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&connections), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    // The client may have left; that is its right.
                    let _ = answer(stream, head).await;
                });
            }
        });
        Self { address, connections }
    }

    /// Answers every request with these bytes.
    async fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<Vec<u8>> = Arc::new(answer.into());
        Self::with(move |mut stream, _| {
            let answer = Arc::clone(&answer);
            async move { stream.write_all(&answer).await }
        })
        .await
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    fn allowed(&self) -> Vec<String> {
        vec![self.address.to_string()]
    }

    fn visits(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(size) => head.extend_from_slice(&chunk[..size]),
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn ok(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

async fn fetch(server: &Server, path: &str) -> Result<Fetched, EgressError> {
    egress(&server.allowed(), lying(&[])).fetch(&server.url(path), LIMITS).await
}

#[tokio::test]
async fn a_body_comes_with_its_media_type() {
    let server = Server::saying(ok("Content-Type: Image/PNG; charset=x\r\n", b"pixels")).await;
    let fetched = fetch(&server, "/").await.unwrap();
    let (content_type, charset) = (Some("image/png".to_owned()), Some("x".to_owned()));
    assert_eq!(fetched, Fetched { url: server.url("/"), content_type, charset, bytes: "pixels".into() });
    let mut file = Vec::new();
    let egress = egress(&server.allowed(), lying(&[]));
    let head = egress.fetch_to(&server.url("/"), LIMITS, &mut file).await.unwrap();
    assert_eq!((head.size_bytes, file.as_slice()), (6, b"pixels".as_slice()));
}

#[tokio::test]
async fn without_a_rule_loopback_is_never_connected_to() {
    let server = Server::saying(ok("", b"secret")).await;
    let port = server.address.port();
    let resolver = lying(&[("harmless.test", &["127.0.0.1"])]);
    let egress = egress(&[], resolver);
    for host in ["127.0.0.1", "localhost.test", "harmless.test", "[::ffff:127.0.0.1]", "2130706433", "[::1]"] {
        let url = format!("https://{host}:{port}/").parse().unwrap();
        let error = egress.fetch(&url, LIMITS).await.unwrap_err();
        let refused = matches!(error, EgressError::ForbiddenAddress { .. } | EgressError::Unresolvable { .. });
        assert!(refused, "{host}: {error}");
        assert!(egress.post(&url, &[], Bytes::new(), LIMITS).await.is_err(), "{host}");
    }
    let plain = egress.fetch(&server.url("/"), LIMITS).await.unwrap_err();
    assert_eq!(plain, EgressError::Refused("only https is permitted"));
    assert_eq!(server.visits(), 0);
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let first = Server::with(|mut stream, _| async move { stream.write_all(&ok("", b"first")).await }).await;
    let port = first.address.port();
    let second =
        Server::at(
            &format!("127.0.0.2:{port}"),
            |mut stream, _| async move { stream.write_all(&ok("", b"second")).await },
        )
        .await;
    let resolver = lying(&[("rebind.test", &["127.0.0.1", "127.0.0.2"])]);
    let egress = egress(&["rebind.test".to_owned()], Arc::clone(&resolver));
    let url: Url = format!("http://rebind.test:{port}/").parse().unwrap();
    assert_eq!(egress.fetch(&url, LIMITS).await.unwrap().bytes, "first");
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1, "resolved once for one fetch");
    assert_eq!(second.visits(), 0);
}

#[tokio::test]
async fn each_redirect_is_judged_again() {
    let inner = Server::saying(ok("", b"secret")).await;
    let port = inner.address.port();
    let targets = [
        format!("http://{}/", inner.address),
        format!("https://127.0.0.1:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://[::ffff:7f00:1]:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://rebind.test:{port}/"),
        format!("//127.0.0.1:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fe80::1]/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "http://192.168.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://ann:secret@rebind.test/".to_owned(),
    ];
    let resolver = lying(&[("rebind.test", &["127.0.0.1"])]);
    for target in targets {
        let outer = Server::saying(redirect(&target)).await;
        let egress = egress(&outer.allowed(), Arc::clone(&resolver));
        let error = egress.fetch(&outer.url("/"), LIMITS).await.unwrap_err();
        let refused = matches!(error, EgressError::ForbiddenAddress { .. } | EgressError::Refused(_));
        assert!(refused && error.is_final(), "{target}: {error}");
        assert_eq!(outer.visits(), 1);
    }
    assert_eq!(inner.visits(), 0);
}

#[tokio::test]
async fn redirects_are_followed_up_to_the_limit() {
    let server = Server::with(|mut stream, head| async move {
        let left: u32 = head.split(['/', ' ']).nth(2).and_then(|left| left.parse().ok()).unwrap_or(0);
        let answer = if left == 0 { ok("", b"there") } else { redirect(&format!("/{}", left - 1)) };
        stream.write_all(&answer).await
    })
    .await;
    assert_eq!(fetch(&server, "/3").await.unwrap().bytes, "there");
    assert_eq!(fetch(&server, "/4").await.unwrap_err(), EgressError::TooManyRedirects { max: 3 });
}

#[tokio::test]
async fn other_statuses_are_errors_for_a_fetch_and_answers_for_a_post() {
    let server = Server::saying(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy".as_slice()).await;
    assert_eq!(fetch(&server, "/").await.unwrap_err(), EgressError::Status(503));
    let egress = egress(&server.allowed(), lying(&[]));
    let posted = egress.post(&server.url("/"), &[], "body".into(), LIMITS).await.unwrap();
    assert_eq!((posted.status, posted.bytes), (503, "busy".into()));
}

#[tokio::test]
async fn a_post_sends_its_body_and_headers_and_follows_no_redirect() {
    let inner = Server::saying(ok("", b"")).await;
    let target = inner.url("/").to_string();
    let seen = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&seen);
    let outer = Server::with(move |mut stream, head| {
        *noted.lock().unwrap() = head;
        let answer = redirect(&target);
        async move { stream.write_all(&answer).await }
    })
    .await;
    let egress = egress(&[outer.allowed(), inner.allowed()].concat(), lying(&[]));
    let headers = [("x-signature".parse().unwrap(), "abc".parse().unwrap())];
    let posted = egress.post(&outer.url("/hook"), &headers, "body".into(), LIMITS).await.unwrap();
    assert_eq!(posted.status, 302);
    assert_eq!(inner.visits(), 0);
    let head = seen.lock().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("post /hook ") && head.contains("x-signature: abc"), "{head}");
    assert!(head.contains("content-length: 4"), "{head}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_announced_or_not() {
    let size = usize::try_from(LIMITS.bytes_max).unwrap();
    let announced = Server::saying(ok("", &vec![0; size + 1])).await;
    let too_large = EgressError::TooLarge { bytes_max: LIMITS.bytes_max };
    assert_eq!(fetch(&announced, "/").await.unwrap_err(), too_large);
    let just_fits = Server::saying(ok("", &vec![0; size])).await;
    assert_eq!(fetch(&just_fits, "/").await.unwrap().bytes.len(), size);
    // Without a length: until the connection closes, which it never does.
    let endless = Server::with(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            stream.write_all(&[b'x'; 4096]).await?;
        }
    })
    .await;
    assert_eq!(fetch(&endless, "/").await.unwrap_err(), too_large);
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_a_large_one_is_refused() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 20_000_000]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 32 * 1024, "the bomb itself is under the limit: {}", packed.len());
    let server = Server::saying(ok("content-encoding: gzip\r\n", &packed)).await;
    let error = fetch(&server, "/").await.unwrap_err();
    assert_eq!(error, EgressError::TooLarge { bytes_max: LIMITS.bytes_max });
}

#[tokio::test]
async fn a_small_packed_body_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(b"page").unwrap();
    let server = Server::saying(ok("content-encoding: gzip\r\n", &packed.finish().unwrap())).await;
    assert_eq!(fetch(&server, "/").await.unwrap().bytes, "page");
}

#[tokio::test]
async fn slow_servers_end_by_the_idle_or_the_total_limit() {
    let silent = Server::with(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
        Ok(())
    })
    .await;
    let stalls = Server::with(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await?;
        std::future::pending::<()>().await;
        Ok(())
    })
    .await;
    // A byte now and then: always some progress, never an end.
    let trickles = Server::with(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await?;
        loop {
            stream.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let trickles_head = Server::with(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
        loop {
            stream.write_all(b"x: y\r\n").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    for (server, name) in
        [(&silent, "silent"), (&stalls, "stalls"), (&trickles, "trickles"), (&trickles_head, "trickles its head")]
    {
        let begun = Instant::now();
        assert_eq!(fetch(server, "/").await.unwrap_err(), EgressError::TooSlow, "{name}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{name} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_not_taken_for_whole() {
    let server = Server::saying(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".as_slice()).await;
    assert_eq!(fetch(&server, "/").await.unwrap_err(), EgressError::BrokenOff);
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_names_the_host_only() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let resolver = lying(&[("gone.test", &["127.0.0.1"])]);
    let egress = egress(&["gone.test".to_owned()], resolver);
    let url = format!("http://gone.test:{}/", closed.port()).parse().unwrap();
    let error = egress.fetch(&url, LIMITS).await.unwrap_err();
    assert_eq!(error, EgressError::Unreachable { host: "gone.test".to_owned() });
    assert!(!error.to_string().contains("127.0.0.1") && !error.is_final());
}

#[tokio::test]
async fn a_server_without_tls_does_not_pass_for_https() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // Whatever was said to it.
            let _ = stream.write_all(&ok("", b"plain")).await;
        }
    });
    let egress = egress(&[address.to_string()], lying(&[]));
    let url = format!("https://{address}/").parse().unwrap();
    let error = egress.fetch(&url, LIMITS).await.unwrap_err();
    assert_eq!(error, EgressError::Unreachable { host: "127.0.0.1".to_owned() });
}

#[tokio::test]
async fn the_hosts_of_the_documents_are_answered_from_samples_without_resolving() {
    let resolver = lying(&[]);
    let egress = egress(&[], Arc::clone(&resolver));
    for host in ["example.com", "shop.example", "cdn.genfire.ai"] {
        let url = |path: &str| format!("https://{host}{path}").parse::<Url>().unwrap();
        assert_eq!(egress.fetch(&url("/product.png"), LIMITS).await.unwrap().bytes, "sample");
        assert_eq!(egress.fetch(&url("/other"), LIMITS).await.unwrap_err(), EgressError::Status(404));
        assert_eq!(egress.post(&url("/hook"), &[], Bytes::new(), LIMITS).await.unwrap().status, 200);
        let small = FetchLimits { bytes_max: 3, ..LIMITS };
        let error = egress.fetch(&url("/product.png"), small).await.unwrap_err();
        assert_eq!(error, EgressError::TooLarge { bytes_max: 3 });
    }
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    // Read when a client is made, so set for this process's children only: run ourselves.
    let proxy = Server::saying(ok("", b"proxied")).await;
    let target = Server::saying(ok("", b"direct")).await;
    if let Ok(url) = std::env::var("MINTMARK_TEST_PROXIED_URL") {
        let url: Url = url.parse().unwrap();
        let allow = vec![format!("127.0.0.1:{}", url.port().unwrap())];
        let fetched = egress(&allow, lying(&[])).fetch(&url, LIMITS).await.unwrap();
        assert_eq!(fetched.bytes, "direct");
        return;
    }
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_proxy_in_the_environment_is_not_used"])
        .env("MINTMARK_TEST_PROXIED_URL", target.url("/").as_str())
        .envs(["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, proxy.url("/").to_string())))
        .env_remove("NO_PROXY")
        .output()
        .await
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!((proxy.visits(), target.visits()), (0, 1));
}
