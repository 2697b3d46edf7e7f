// Shows on the page what goes to the console, for those who have not opened it (F12) yet.
(() => {
  const text = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return String(value);
    try {
      return JSON.stringify(value);
    } catch {
      return String(value);
    }
  };
  for (const level of ['log', 'warn', 'error']) {
    const original = console[level].bind(console);
    console[level] = (...values) => {
      original(...values);
      const log = document.getElementById('log');
      if (!log) return;
      const line = document.createElement('div');
      line.textContent = values.map(text).join(' ');
      if (level !== 'log') line.className = 'error';
      log.append(line);
    };
  }
})();
