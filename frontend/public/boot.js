// Runs before the first paint, so that neither the theme nor the sign-in links flash.
(() => {
  const root = document.documentElement;
  let theme = null;
  let token = null;
  try {
    theme = localStorage.getItem('vaultra_theme');
    token = localStorage.getItem('vaultra_token');
  } catch {
    // Storage is blocked: follow the system and show the signed-out links.
  }
  const system = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    root.dataset.theme = theme === 'dark' || theme === 'light' ? theme : system.matches ? 'dark' : 'light';
  };
  apply();
  root.dataset.session = token ? 'in' : 'out';
  system.addEventListener('change', apply);
  addEventListener('vaultra:theme', (event) => {
    theme = event.detail;
    apply();
  });
})();
