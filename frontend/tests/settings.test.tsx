import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import ConfirmDialog from '../src/components/ConfirmDialog';
import { Form, Input, Select } from '../src/components/settings/Form';
import { ApiError } from '../src/lib/api';

beforeEach(() => {
  // jsdom shows no dialogs.
  HTMLDialogElement.prototype.showModal = function show() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
});
afterEach(cleanup);

function show(submit: (values: Record<string, string>) => Promise<unknown>, clear = false) {
  render(
    <Form submit={submit} label="Save" busy="Saving" done="Saved." clear={clear}>
      <Input name="name" label="Name" defaultValue="Lark" required />
      <Select name="role" label="Role" options={{ '': 'None', admin: 'Admin' }} defaultValue="admin" />
    </Form>,
  );
}

it('sends the trimmed values, and says that they are saved until the next change', async () => {
  const submit = vi.fn(async () => undefined);
  show(submit);
  await userEvent.type(screen.getByLabelText('Name'), ' & Co ');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(submit).toHaveBeenCalledWith({ name: 'Lark & Co', role: 'admin' });
  expect(await screen.findByText('Saved.')).toBeTruthy();
  await userEvent.type(screen.getByLabelText('Name'), '!');
  expect(screen.queryByText('Saved.')).toBeNull();
});

it('sends once however often it is asked to while the answer is awaited', async () => {
  let answer = () => {};
  const submit = vi.fn(() => new Promise<void>((resolve) => (answer = resolve)));
  show(submit, true);
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  await userEvent.click(screen.getByRole('button', { name: 'Saving' }));
  expect(submit).toHaveBeenCalledTimes(1);
  answer();
  expect(await screen.findByRole('button', { name: 'Save' })).toBeTruthy();
});

it('says at its field what is wrong there, and elsewhere what else is', async () => {
  const errors = [
    new ApiError(422, 'UNPROCESSABLE', 'Invalid input', 'req_1', 'name', 'is taken'),
    new ApiError(409, 'CONFLICT', 'Somebody was first.', 'req_2'),
  ];
  show(async () => {
    throw errors.shift();
  });
  const field = screen.getByLabelText('Name');
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('Is taken.')).toBeTruthy();
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(document.activeElement).toBe(field);
  expect(screen.queryByText('req_1')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('Somebody was first.')).toBeTruthy();
  expect(field.getAttribute('aria-invalid')).toBe('false');
});

it('does nothing before the name is typed, and stays open when it fails', async () => {
  const action = vi
    .fn()
    .mockRejectedValueOnce(new ApiError(503, 'UNAVAILABLE', 'Stripe does not answer.'))
    .mockResolvedValue(undefined);
  const onClose = vi.fn();
  render(
    <ConfirmDialog
      title="Delete it?"
      verb="Delete"
      busy="Deleting"
      typed={{ label: 'Its name', expected: 'Lark' }}
      action={action}
      onClose={onClose}
    >
      <p>It cannot be taken back.</p>
    </ConfirmDialog>,
  );
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Delete' });
  await userEvent.type(screen.getByLabelText('Its name'), 'Lar{Enter}');
  expect([button.disabled, action.mock.calls.length]).toEqual([true, 0]);
  await userEvent.type(screen.getByLabelText('Its name'), 'k ');
  await userEvent.click(button);
  expect(await screen.findByText('Stripe does not answer.')).toBeTruthy();
  expect(onClose).not.toHaveBeenCalled();
  await userEvent.click(button);
  await vi.waitFor(() => expect(onClose).toHaveBeenCalledTimes(1));
});
