/** One's conversations about a business: open, rename, delete, and begin a new one. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { conversationsQuery, deleteConversation, renameConversation } from '../lib/api-agent';
import { formatAgo } from '../lib/format';
import { queryClient } from '../lib/query';
import type { Conversation } from '../lib/types';
import ConfirmDialog from './ConfirmDialog';
import ErrorCard from './ErrorCard';
import Icon from './Icon';

const MOST_TITLE_CHARACTERS = 200;

interface Props {
  businessId: string;
  currentId: string | null;
  onOpen: (id: string | null) => void;
}

export default function ConversationList({ businessId, currentId, onOpen }: Props) {
  const list = useQuery(conversationsQuery(businessId), queryClient);
  const [deleting, setDeleting] = useState<Conversation | null>(null);
  const refresh = () => queryClient.invalidateQueries({ queryKey: conversationsQuery(businessId).queryKey });
  return (
    <nav aria-label="Conversations" className="grid gap-3">
      <button type="button" className="btn w-full" onClick={() => onOpen(null)}>
        <Icon name="plus" size={16} />
        New conversation
      </button>
      {list.isPending && (
        <div className="grid gap-2" aria-hidden="true">
          {[1, 2, 3].map((row) => (
            <div key={row} className="skel h-10 w-full" />
          ))}
        </div>
      )}
      {list.isError && (
        <ErrorCard
          compact
          error={list.error}
          title="Your conversations could not be loaded"
          onRetry={() => void list.refetch()}
          busy={list.isFetching}
        />
      )}
      {list.data?.length === 0 && <p className="px-1 text-sm text-muted">Your conversations are kept here.</p>}
      <ul className="grid gap-0.5">
        {list.data?.map((conversation) => (
          <Item
            key={conversation.id}
            conversation={conversation}
            current={conversation.id === currentId}
            onOpen={() => onOpen(conversation.id)}
            onRenamed={refresh}
            onDelete={() => setDeleting(conversation)}
          />
        ))}
      </ul>
      {deleting && (
        <ConfirmDialog
          title="Delete this conversation?"
          verb="Delete"
          busy="Deleting"
          action={async () => {
            await deleteConversation(deleting.id);
            await refresh();
            if (deleting.id === currentId) onOpen(null);
          }}
          onClose={() => setDeleting(null)}
        >
          <p>“{titleOf(deleting)}” and its answers are deleted for good.</p>
        </ConfirmDialog>
      )}
    </nav>
  );
}

function titleOf(conversation: Conversation): string {
  return conversation.title ?? 'Untitled';
}

interface ItemProps {
  conversation: Conversation;
  current: boolean;
  onOpen: () => void;
  onRenamed: () => Promise<unknown>;
  onDelete: () => void;
}

function Item({ conversation, current, onOpen, onRenamed, onDelete }: ItemProps) {
  const [renaming, setRenaming] = useState(false);
  const pencil = useRef<HTMLButtonElement>(null);
  const title = titleOf(conversation);
  const renamed = useRef(false);
  useEffect(() => {
    if (renamed.current && !renaming) pencil.current?.focus();
    renamed.current = renaming;
  }, [renaming]);
  if (renaming) {
    return (
      <li>
        <Rename conversation={conversation} onRenamed={onRenamed} onClose={() => setRenaming(false)} />
      </li>
    );
  }
  return (
    <li className={`flex items-center rounded-lg hover:bg-accent-soft ${current ? 'bg-accent-soft' : ''}`}>
      <button
        type="button"
        onClick={onOpen}
        aria-current={current ? 'page' : undefined}
        className="min-h-11 min-w-0 flex-1 px-3 py-1.5 text-left text-sm"
      >
        <span className={`line-clamp-2 ${current ? 'font-medium text-accent' : ''}`}>{title}</span>
        <span className="block text-xs text-muted">{formatAgo(conversation.updated_at)}</span>
      </button>
      <button
        ref={pencil}
        type="button"
        className="icon-btn"
        aria-label={`Rename “${title}”`}
        onClick={() => setRenaming(true)}
      >
        <Icon name="pencil" size={15} />
      </button>
      <button type="button" className="icon-btn" aria-label={`Delete “${title}”`} onClick={onDelete}>
        <Icon name="trash" size={15} />
      </button>
    </li>
  );
}

interface RenameProps {
  conversation: Conversation;
  onRenamed: () => Promise<unknown>;
  onClose: () => void;
}

function Rename({ conversation, onRenamed, onClose }: RenameProps) {
  const [title, setTitle] = useState(conversation.title ?? '');
  const rename = useMutation(
    {
      mutationFn: () => renameConversation(conversation.id, title.trim()),
      onSuccess: async () => {
        await onRenamed();
        onClose();
      },
    },
    queryClient,
  );
  return (
    <form
      className="grid gap-1.5 py-1"
      onSubmit={(event) => {
        event.preventDefault();
        if (title.trim()) rename.mutate();
      }}
    >
      <input
        // biome-ignore lint/a11y/noAutofocus: whoever pressed “Rename” goes on writing here
        autoFocus
        aria-label="Title"
        className="field text-sm"
        value={title}
        maxLength={MOST_TITLE_CHARACTERS}
        onChange={(event) => setTitle(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && onClose()}
      />
      {rename.error && (
        <p role="alert" className="text-sm text-bad">
          {rename.error.message}
        </p>
      )}
      <div className="flex gap-2">
        <button type="submit" className="btn min-h-9 text-sm" disabled={!title.trim() || rename.isPending}>
          Save
        </button>
        <button type="button" className="btn min-h-9 text-sm" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
