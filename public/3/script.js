// What this page does when it is loaded: it joins the realm in which the C++ client of this lesson lives.

window.wsWorkshop = new Workshop({
  config: {
    url: routerUrl(8003),
    realm: 'somewhere-else',
  },
  topic: 'test',
  message: 'Hello, robot',
  procedure: 'add',      // the robot's
  args: [1, 2, 3],
  answer: null,
  titles: {guest: 'guest'},
});

wsWorkshop.connect();
