// What the pages of lessons 4, 5 and 6 have beside the helper object of common/workshop.js: signing in with a name and a
// secret, and getting the secret from the lessons' app.

class SignInWorkshop extends Workshop {
  // Whom connect() is to sign in, from the next time on. The secret itself is never sent: it signs the router's challenge.
  setAuth(user, secret) {
    this.setConfig({
      authmethods: ['wampcra'],
      authid: user,
      onchallenge: (session, method, extra) => autobahn.auth_cra.sign(secret, extra.challenge),
    });
    this.isSomebodyElse = true;
    return this;
  }

  // After a login() that has no answer yet: when it has, so that both can be typed at once.
  connect() {
    if (this.login) {
      this.connectWaits = true;
      this.login.then((worked) => {
        this.connectWaits = false;
        worked ? this.connect() : this.forget();
      });
      return this;
    }
    if (!this.isSomebodyElse) return super.connect();
    this.isSomebodyElse = false;
    return this.connectAgain();
  }

  // What comes behind such a connect() is for the new session, even if there still is an old one.
  withSession(action) {
    if (!this.connectWaits) return super.withSession(action);
    this.waiting.push(action);
    return this;
  }

  closed(connection, reason, details) {
    const isFinal = super.closed(connection, reason, details);
    if (isFinal && this.connection === connection) this.forget();
    return isFinal;
  }

  // Drops what was to be done once there is a connection: it was meant for somebody who has been refused.
  forget() {
    this.waiting = [];
  }

  opened(session, details) {
    super.opened(session, details);
    if (this.onOpen) this.onOpen();
  }
}

// Where the app of lesson 4 is: the host this page came from, at port 8014 (or at ?app=... of the page).
function appUrl() {
  const other = new URLSearchParams(location.search).get('app');
  return `http://${location.hostname}:${other || 8014}`;
}

// Gets the user's token from the app, for wsWorkshop.connect(). Resolves to true if that worked.
function login(user, password) {
  wsWorkshop.login = getToken(user, password).finally(() => wsWorkshop.login = null);
  return wsWorkshop.login;
}

async function getToken(user, password) {
  let response;
  try {
    response = await fetch(`${appUrl()}/login`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({name: user, password}),
    });
  } catch {
    console.log(`The app at ${appUrl()} cannot be reached. Is it running (bin/run-app)?`);
    return false;
  }
  const answer = await response.json();
  if (!response.ok) {
    console.log(`Login says: no, ${answer.error}`);
    return false;
  }
  console.log(`Login says: welcome, ${user}. Your token is here; wsWorkshop.connect() signs you in with it.`);
  wsWorkshop.setAuth(user, answer.token);
  return true;
}

// The form at the top of the page, for those who do not like the console.
document.getElementById('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const form = event.target;
  if (await login(form.elements.user.value, form.elements.password.value)) wsWorkshop.connect();
});
