/** The reader's theme: follow the system, or always light, or always dark. public/boot.js applies it. */
const KEY = 'vaultra_theme';

export type Theme = 'system' | 'light' | 'dark';

export function readTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export function saveTheme(theme: string): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
  dispatchEvent(new CustomEvent('vaultra:theme', { detail: theme }));
}
