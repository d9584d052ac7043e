import { screen, waitFor } from '@testing-library/dom';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '../src/lib/api';
import { bindForm } from '../src/scripts/form';

const submit = vi.fn<(values: Record<string, string>) => Promise<void>>();

function form(explain?: Parameters<typeof bindForm>[1]['explain']): HTMLFormElement {
  document.body.innerHTML = `
    <form>
      <label>Email <input name="email" type="email" required></label><p data-error-for="email"></p>
      <label>Password <input name="password" type="password" autocomplete="new-password"></label>
      <p data-form-error role="alert"></p>
      <button type="submit">Go</button>
    </form>`;
  const bound = document.querySelector('form') as HTMLFormElement;
  bindForm(bound, { busy: 'Going', submit, ...(explain && { explain }) });
  return bound;
}

async function send(email = ' a@b.co '): Promise<void> {
  await userEvent.type(screen.getByLabelText('Email'), email);
  await userEvent.click(screen.getByRole('button'));
}

beforeEach(() => {
  submit.mockReset().mockResolvedValue(undefined);
});

it('takes every character of a password, also of one that is shown', async () => {
  form();
  const password = screen.getByLabelText<HTMLInputElement>('Password');
  password.type = 'text';
  await userEvent.type(password, ' two words ');
  await send();
  expect(submit).toHaveBeenCalledWith({ email: 'a@b.co', password: ' two words ' });
});

it.each([
  [1, 'Too many tries. Try again in 1 second.'],
  [541, 'Too many tries. Try again in 10 minutes.'],
  [86_400, 'Too many tries. Try again in 24 hours.'],
  [null, 'Too many tries.'],
])('tells who tried too often how long to wait: %s seconds', async (seconds, words) => {
  submit.mockRejectedValue(new ApiError(429, 'RATE_LIMITED', 'That was too often.', 'req_1', null, null, seconds));
  form();
  await send();
  await waitFor(() => expect(screen.getByRole('alert').textContent).toBe(words));
  expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Go' }).disabled).toBe(false);
});

it('puts an error beside its field, with the page that helps, until the field changes', async () => {
  submit.mockRejectedValue(new ApiError(409, 'CONFLICT', 'Taken.'));
  form(() => ({ field: 'email', message: 'It has an account.', link: { href: '/auth/login/', label: 'Sign in' } }));
  await send();
  const link = await screen.findByRole('link', { name: 'Sign in' });
  expect(link.parentElement?.textContent).toBe('It has an account. Sign in');
  expect(document.activeElement).toBe(screen.getByLabelText('Email'));
  await userEvent.type(screen.getByLabelText('Email'), 'm');
  expect(screen.queryByRole('link')).toBeNull();
});

it('names the request of an error that nobody here can mend', async () => {
  submit.mockRejectedValue(new ApiError(503, 'UNAVAILABLE', 'Not now', 'req_1', null, null, 5));
  form();
  await send();
  await waitFor(() =>
    expect(screen.getByRole('alert').textContent).toBe('Not now. Try again in 5 seconds. Request req_1.'),
  );
});

it('sends nothing while a field is not right', async () => {
  form();
  await send('nobody');
  expect(submit).not.toHaveBeenCalled();
  expect(document.querySelector('[data-error-for]')?.textContent).toBe('This does not look like an email address.');
});
