// Where the router of a lesson is: the host this page came from, at the lesson's port (or at ?port=... of the page).
function routerUrl(port) {
  const other = new URLSearchParams(location.search).get('port');
  return `ws://${location.hostname}:${other || port}/ws`;
}
