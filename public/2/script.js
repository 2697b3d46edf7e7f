// What this page does when it is loaded. Change the realm or anything else here and load the page again, or use
// wsWorkshop.setRealm(...), wsWorkshop.setConfig({...}) and wsWorkshop.connectAgain() in the console.

window.wsWorkshop = new Workshop({
  config: {
    url: routerUrl(8002),
    realm: 'ws-workshop',
  },
  topic: 'test',         // what pub() and sub() use if you name no topic
  message: 'abc',        // what pub() sends if you give no message
  procedure: 'test',     // what reg() and call() use if you name no procedure
  args: [1, 'abc'],      // what call() sends if you give no arguments
  answer: 1,             // what the procedure of reg() answers
  titles: {guest: 'guest', seethings: 'workman', dothings: 'workman'},
});

wsWorkshop.connect();
