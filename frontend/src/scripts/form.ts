/** A form's life: the browser's own validation in our words, one submission at a time, errors beside their field. */
import { ApiError } from '../lib/api';
import { formatWait, toSentence } from '../lib/format';

/** What to tell: a sentence, the field it belongs to if any, and the page that helps. */
interface Told {
  field?: string | null;
  message: string;
  /** Said after the message where it belongs to no field. */
  aside?: string;
  link?: { href: string; label: string };
}

interface Options {
  /** Sends the form's trimmed, non-empty values. Resolves once the page is about to change. */
  submit: (values: Record<string, string>) => Promise<void>;
  /** A plainer sentence for an error; null for the API's own words. */
  explain?: (error: ApiError) => Told | null;
  /** The button's label while the answer is awaited. */
  busy: string;
}

type Control = HTMLInputElement | HTMLSelectElement;

export function bindForm(form: HTMLFormElement, { submit, explain, busy }: Options): void {
  const button = form.querySelector<HTMLButtonElement>('button[type=submit]');
  const summary = form.querySelector<HTMLElement>('[data-form-error]');
  if (!button || !summary) throw new Error('A form needs a submit button and a place for its error.');
  const label = button.textContent;
  const controls = [...form.querySelectorAll<Control>('[name]')];
  form.noValidate = true;

  const placeOf = (control: Control) => form.querySelector(`[data-error-for="${control.name}"]`);
  const say = (control: Control, message: string) => {
    const place = placeOf(control);
    if (place) place.textContent = message;
    if (message) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  };
  for (const control of controls) control.addEventListener('input', () => say(control, ''));

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    summary.textContent = '';
    const messages = controls.map(validityMessage);
    for (const [i, control] of controls.entries()) say(control, messages[i] ?? '');
    const invalid = controls[messages.findIndex(Boolean)];
    if (invalid) {
      invalid.focus();
      return;
    }
    button.disabled = true;
    button.textContent = busy;
    try {
      await submit(values(controls));
    } catch (error) {
      button.disabled = false;
      button.textContent = label;
      if (!(error instanceof ApiError)) throw error;
      const told = explain?.(error) ?? inItsOwnWords(error);
      const control = controls.find((each) => each.name === told.field);
      if (control) {
        say(control, told.message);
        control.focus();
      } else {
        summary.textContent = told.message + (told.aside ?? '');
      }
      const place = control ? placeOf(control) : summary;
      if (told.link) place?.append(' ', linkTo(told.link));
    }
  });
}

function values(controls: Control[]): Record<string, string> {
  const all = controls.map((control) => [control.name, isPassword(control) ? control.value : control.value.trim()]);
  return Object.fromEntries(all.filter(([, value]) => value !== ''));
}

/** Whether every character counts, also while the field shows them. */
function isPassword(control: Control): boolean {
  return control.autocomplete.endsWith('-password');
}

function inItsOwnWords(error: ApiError): Told {
  const wait = error.retryAfterSeconds ? ` Try again in ${formatWait(error.retryAfterSeconds)}.` : '';
  if (error.status === 429) return { message: `Too many tries.${wait}` };
  const request = error.requestId ? ` Request ${error.requestId}.` : '';
  return { field: error.field, message: toSentence(error.reason ?? error.message), aside: wait + request };
}

function linkTo({ href, label }: { href: string; label: string }): HTMLAnchorElement {
  const link = document.createElement('a');
  link.href = href;
  link.textContent = label;
  link.className = 'link';
  return link;
}

function validityMessage(control: Control): string {
  const { validity } = control;
  const blank = !isPassword(control) && control.value.trim() === '';
  if (control.required && (validity.valueMissing || blank)) return 'Please fill this in.';
  if (validity.valid) return '';
  if (validity.typeMismatch) return 'This does not look like an email address.';
  if (validity.tooShort) return `At least ${(control as HTMLInputElement).minLength} characters, please.`;
  if (validity.rangeOverflow && control.type === 'date') return 'This lies in the future.';
  return 'Please check this value.';
}
