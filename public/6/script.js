// The object for the console: login('name', 'password') and then wsWorkshop.connect().

window.wsWorkshop = new SignInWorkshop({
  config: {
    url: routerUrl(8006),
    realm: 'ws-workshop',
  },
  topic: 'workshop.chat.some-thread',
  message: 'Hello to you',
  procedure: 'workshop.subscribers',
  args: ['some-thread'],
  answer: null,
  titles: {'basic-user': 'commoner', 'permissions-user': 'prince', 'app-user': 'serf', blocked: 'stranger'},
});

// What is done each time a connection is open.
wsWorkshop.onOpen = () => {
};

console.log("Nobody is signed in. login('name', 'password') and then wsWorkshop.connect() do that.");
