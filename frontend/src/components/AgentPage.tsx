/** The page of the assistant: a conversation, the ones before it, and what it can and cannot know right now. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { conversationsQuery } from '../lib/api-agent';
import { connectLink } from '../lib/links';
import { queryClient, statusQuery } from '../lib/query';
import type { Membership } from '../lib/types';
import AgentChat from './AgentChat';
import AgentSkeleton from './AgentSkeleton';
import BusinessGuard from './BusinessGuard';
import ConversationList from './ConversationList';
import Icon from './Icon';

const LIST_ID = 'conversations';

export default function AgentPage() {
  const [start, setStart] = useState(takeStart);
  // What the address asked for is about the first business only, not about one that is switched to.
  const onTaken = useCallback(() => setStart(NOTHING), []);
  return (
    <BusinessGuard fallback={<AgentSkeleton />}>
      {(business) => <Agent business={business} start={start} onTaken={onTaken} />}
    </BusinessGuard>
  );
}

interface Start {
  conversationId: string | null;
  draft: string;
}
const NOTHING: Start = { conversationId: null, draft: '' };

/** What the address asks for: a kept conversation, and a question to begin with. A reload does not ask it again. */
function takeStart(): Start {
  const query = new URLSearchParams(location.search);
  const draft = query.get('ask') ?? '';
  if (draft) setAddress('ask', null);
  return { conversationId: query.get('conversation'), draft };
}

function setAddress(name: string, value: string | null): void {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  history.replaceState(history.state, '', url);
}

interface Thread {
  /** Changes with every conversation that is opened. */
  key: number;
  openedId: string | null;
  draft: string;
}

interface Props {
  business: Membership;
  start: Start;
  onTaken: () => void;
}

function Agent({ business, start, onTaken }: Props) {
  const [thread, setThread] = useState<Thread>({ key: 0, openedId: start.conversationId, draft: start.draft });
  const [currentId, setCurrentId] = useState(start.conversationId);
  useEffect(onTaken, [onTaken]);
  useEffect(() => setAddress('conversation', thread.openedId), [thread]);
  const open = useCallback((id: string | null) => {
    setThread(({ key }) => ({ key: key + 1, openedId: id, draft: '' }));
    setCurrentId(id);
    const list = document.getElementById(LIST_ID);
    if (list?.matches(':popover-open')) list.hidePopover();
  }, []);
  const onMissing = useCallback(() => open(null), [open]);
  const onKept = (id: string) => {
    setCurrentId(id);
    setAddress('conversation', id);
    void queryClient.invalidateQueries({ queryKey: conversationsQuery(business.id).queryKey });
  };
  return (
    <div className="grid gap-8 xl:grid-cols-[minmax(0,46rem)_16rem] xl:justify-between">
      <div className="min-w-0">
        <div className="-mt-3 mb-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
          <p className="text-sm font-medium">{business.name}</p>
          <button type="button" popoverTarget={LIST_ID} className="btn no-print min-h-9 text-sm xl:hidden">
            <Icon name="chat" size={16} />
            Conversations
          </button>
        </div>
        <Connection business={business} />
        <AgentChat
          key={thread.key}
          businessId={business.id}
          conversationId={thread.openedId}
          draft={thread.draft}
          onKept={onKept}
          onMissing={onMissing}
        />
      </div>
      <div id={LIST_ID} popover="auto" className="list-panel no-print">
        <ConversationList businessId={business.id} currentId={currentId} onOpen={open} />
      </div>
    </div>
  );
}

/** Where Stripe is not connected, the assistant knows the articles and nothing of the business. */
function Connection({ business }: { business: Membership }) {
  const status = useQuery(statusQuery(business.id), queryClient);
  if (!status.data) return null;
  if (status.data.connected) {
    if (status.data.livemode !== false) return null;
    return (
      <p className="mb-4">
        <span className="tag tag-warn">Stripe test mode</span>
      </p>
    );
  }
  return (
    <p className="notice notice-warn mb-4">
      <span className="font-medium">Stripe is not connected.</span> Answers rest on the help articles and on the last
      figures there are, if any.{' '}
      {business.role !== 'viewer' && (
        <a href={connectLink(business.id)} className="link">
          Connect Stripe
        </a>
      )}
    </p>
  );
}
