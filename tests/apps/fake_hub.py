"""A small Hugging Face hub on a loopback port: repositories of bytes, the listing, and redirects to a second port that
stands for the hub's content network. Every request is kept, so that tests can see what was sent to whom."""
import hashlib
import http.server
import json
import threading

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Hub:
    """`repositories`: {"owner/name": {"file": bytes}}; `gated`: names that want the token; `slow`: seconds between pieces
    of the content network's answers."""

    def __init__(self, repositories, gated=(), token="hf_secret", slow=0):
        self.repositories, self.gated, self.token, self.slow = repositories, set(gated), token, slow
        self.requests = []  # (port's role, method, path, headers)
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            role = "hub"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.write(body)

            def write(self, body):
                try:
                    if not hub.slow or self.role == "hub":
                        self.wfile.write(body)
                        return
                    step = max(1, len(body) // 20)
                    for at in range(0, len(body), step):
                        self.wfile.write(body[at:at + step])
                        self.wfile.flush()
                        stop.wait(hub.slow)
                except OSError:
                    self.close_connection = True

            def do_GET(self):
                hub.requests.append((self.role, self.command, self.path, dict(self.headers)))
                hub.route(self)

            do_HEAD = do_GET

        class Content(Handler):
            role = "content"

        stop = threading.Event()
        self.hub, self.content = Server(Handler), Server(Content)
        self.url = self.hub.url

    def close(self):
        for server in (self.hub, self.content):
            server.shutdown()
            server.server_close()

    def route(self, request):
        path = request.path.split("?")[0].lstrip("/")
        if request.role == "content":
            return self.serve(request, path)
        words = path.split("/")
        if words[:2] == ["api", "models"]:
            return self.list(request, "/".join(words[2:4]))
        name, file = "/".join(words[:2]), "/".join(words[4:])
        content = self.repositories.get(name, {}).get(file)
        if content is None:
            return request.answer(404, X_Error_Code="EntryNotFound")
        if name in self.gated and request.headers.get("Authorization") != f"Bearer {self.token}":
            return request.answer(401, X_Error_Code="GatedRepo")
        digest = hashlib.sha256(content).hexdigest()
        request.answer(302, Location=f"{self.content.url}/{name}/{file}?signature=abc", X_Repo_Commit=COMMIT,
                       X_Linked_ETag=f'"{digest}"', X_Linked_Size=str(len(content)))

    def list(self, request, name):
        files = self.repositories.get(name)
        if files is None:
            return request.answer(401, X_Error_Code="RepoNotFound")
        siblings = [{"rfilename": file, "size": len(content),
                     "lfs": {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}}
                    for file, content in files.items()]
        request.answer(200, json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode())

    def serve(self, request, path):
        owner, name, file = path.split("/", 2)
        content = self.repositories[f"{owner}/{name}"][file]
        wanted = request.headers.get("Range")
        if not wanted:
            return request.answer(200, content, ETag='"content"')
        begin, _, end = wanted.removeprefix("bytes=").partition("-")
        begin, end = int(begin), int(end or len(content) - 1)
        request.answer(206, content[begin:end + 1], ETag='"content"', Content_Range=f"bytes {begin}-{end}/{len(content)}")
