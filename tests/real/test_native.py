"""draft"""
import re, threading, httpx, pytest
from oauthclient import *
from tests.real.person import Person

def test_again(real, tmp_path):
    person = Person(real)
    def browser(text):
        m = re.search(r"http\S+", text)
        print("TELL", text[:200])
        if m:
            def go():
                cb = person.authorize(m[0])
                print(httpx.get(cb, follow_redirects=True).status_code)
            threading.Thread(target=go).start()
    app = NativeApp(real.issuer, name="Acme", resources=[Resource(real.resource("a"), scope="read"), Resource(real.resource("b"), scope="admin")], vault=Vault.file(tmp_path, key=b"k"*32), verify=real.tls)
    s = app.login(open_browser=False, tell=browser, prompt="consent")
    print(s, s.granted, s.refreshable)
    with httpx.Client(auth=s.auth, verify=real.tls) as c:
        print(c.get(real.resource("a")).status_code, c.get(real.resource("b")).status_code)
    s2 = app.login(open_browser=False, tell=browser, prompt="consent")
    with httpx.Client(auth=s2.auth, verify=real.tls) as c:
        print(c.get(real.resource("a")).status_code, c.get(real.resource("b")).status_code)
    print(s2.userinfo())
    g = s2.logout()
    print(g.still_honoured)
    print(real.stats())
    assert 0
