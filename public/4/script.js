// The object for the console. Nobody is signed in yet: wsWorkshop.setAuth('name', 'secret').connect() does that.

window.wsWorkshop = new SignInWorkshop({
  config: {
    url: routerUrl(8004),
    realm: 'ws-workshop',
  },
  topic: 'test',
  message: 'abc',
  procedure: 'test',
  args: [],
  answer: null,
  titles: {'basic-user': 'commoner', 'permissions-user': 'prince', 'app-user': 'serf', blocked: 'stranger'},
});

console.log("Nobody is signed in. wsWorkshop.setAuth('name', 'secret').connect() does that.");
