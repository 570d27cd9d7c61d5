//! Authlib's client (Python) against the token endpoint, in each way in which it can say who it is.

use std::path::{Path, PathBuf};

use mintmark_domain::account::{Scope, Scopes};
use tokio::process::Command;

use crate::support::TestApp;

/// Asks for a token in three ways, uses each, and says what it was told of a wrong secret.
const SCRIPT: &str = r#"
import sys
from authlib.integrations.requests_client import OAuth2Session, OAuthError
base, client_id, secret = sys.argv[1:4]
for method in ("client_secret_basic", "client_secret_post"):
    client = OAuth2Session(client_id, secret, scope="models:read runs:read", token_endpoint_auth_method=method)
    token = client.fetch_token(base + "/v1/oauth/token", grant_type="client_credentials")
    assert token["token_type"] == "Bearer" and token["expires_in"] == 3600, token
    assert token["scope"].split() == ["models:read", "runs:read"], token
    assert client.get(base + "/v1/runs").status_code == 200
    assert client.get(base + "/v1/account").status_code == 403
    try:
        OAuth2Session(client_id, "gfs_live_wrong", token_endpoint_auth_method=method).fetch_token(
            base + "/v1/oauth/token", grant_type="client_credentials")
        raise SystemExit("a wrong secret was taken")
    except OAuthError as error:
        assert error.error == "invalid_client", error
print("all as it should be")
"#;

fn python() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/tools/.venv/bin/python");
    assert!(path.exists(), "{} is missing: `make setup` installs what tests need", path.display());
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_s_client_gets_a_token_and_uses_it() {
    let app = TestApp::start().await;
    let scopes = Scopes::only([Scope::Read]);
    let (client, _) = app.core.create_client_by_operator(app.account.id, "authlib", scopes).await.unwrap();
    let mut command = Command::new(python());
    // Authlib refuses plain http unless it is told that this is a test.
    command.env("AUTHLIB_INSECURE_TRANSPORT", "1").env("NO_PROXY", "127.0.0.1");
    command.args(["-c", SCRIPT, &app.base_url, &client.client_id, &client.secret]).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "all as it should be");
}
