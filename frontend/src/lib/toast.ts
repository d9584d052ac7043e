/** One short word after something is done, with the way back where there is one. */
import { atom } from 'nanostores';

export interface Toast {
  text: string;
  /** Takes back what was done; null where that is not possible. */
  undo: (() => void) | null;
}

export const $toast = atom<Toast | null>(null);

/** Shows a toast in place of the one that stands. */
export function showToast(text: string, undo: Toast['undo'] = null): void {
  $toast.set({ text, undo });
}

export function closeToast(): void {
  $toast.set(null);
}
